import { emailAddress, type InboundEventInput } from '#normalizer';
import { failureOf, isOurId, readToken, replySecretOf, type Report } from '#mail';
import type { AccountContext } from './context.js';

type Receipt = Extract<InboundEventInput, { kind: 'receipt' }>;
type Failure = NonNullable<Receipt['failure']>;

interface Circumstances {
  readonly base: { readonly dedupeKey: string; readonly occurredAt: string };
  /** What the mail around it is by its head. */
  readonly bounce: 'returned' | 'late' | null;
}

/**
 * What a report tells of mail of ours: a receipt, a complaint, or nothing new (delayed, deleted unread). Undefined where it is about no
 * mail of ours, or says nothing that is known: then it is a mail like others.
 */
export function eventsOfReport(report: Report, { base, bounce }: Circumstances, context: AccountContext): InboundEventInput[] | undefined {
  const domain = context.config.address.slice(context.config.address.lastIndexOf('@') + 1);
  const externalId = report.ids.find((id) => isOurId(id, domain)) ?? (report.kind === 'disposition' ? report.ids[0] : undefined);
  if (externalId === undefined) return undefined;
  const receipt = (status: Receipt['status'], failure?: Failure): Receipt[] => [
    { kind: 'receipt', ...base, externalId, status, ...(failure && { failure }) },
  ];
  switch (report.kind) {
    case 'delivery': {
      const failed = report.recipients.find(({ action }) => action === 'failed');
      if (failed) return receipt('failed', failureOf(failed.status, failed.diagnostic));
      const delivered = report.recipients.some(({ action }) => ['delivered', 'relayed', 'expanded'].includes(action));
      if (delivered) return receipt('delivered');
      return report.recipients.length > 0 ? [] : undefined;
    }
    case 'disposition':
      // Whoever it was forwarded to may have read it, too.
      if (isOurId(externalId, domain) && threadFor(report, externalId, context) === null) return undefined;
      return report.said === 'displayed' ? receipt('read') : [];
    case 'complaint':
      return complaint(report, externalId, { base, context });
    case 'unstructured': {
      if (bounce !== 'returned') return bounce === 'late' ? [] : undefined;
      const status = /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(report.said)?.[1] ?? '';
      return status.startsWith('2') ? undefined : receipt('failed', failureOf(status, report.said));
    }
  }
} // prettier-ignore

/** Only who got the very mail can complain of it: its id holds a token of theirs. */
function complaint(report: Report, externalId: string, { base, context }: { base: Circumstances['base']; context: AccountContext }): InboundEventInput[] | undefined {
  const address = emailAddress(report.address);
  const thread = threadFor(report, externalId, context);
  if (address === null || thread === null || report.said === 'not-spam') return undefined;
  const sender = { handles: [{ scheme: 'email', value: address, proof: 'claimed' as const }] };
  return [{ kind: 'opted-out', ...base, thread, sender, reason: `complaint: ${report.said || 'abuse'}` }];
} // prettier-ignore

/** The thread of the mail `externalId`, where it went to whom the report names; else null. */
function threadFor(report: Report, externalId: string, { accountId, config, now }: AccountContext): string | null {
  const address = emailAddress(report.address);
  if (address === null) return null;
  return readToken([externalId], { secret: replySecretOf(config), accountId, address, now, maxAgeDays: config.replyDays });
} // prettier-ignore
