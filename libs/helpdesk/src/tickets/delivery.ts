import { isDeepStrictEqual } from 'node:util';
import type { Contact, StreamEvent } from '#normalizer';
import { DeliveryRefused, type ConnectorContext, type KnownTicket } from '../core/connector.js';
import { said } from './blocks.js';
import { changesOf, tellChanges, tellEverywhere, type Changes } from './changes.js';
import { entriesOf, linked } from './entries.js';
import { channelOf, factLines, factsOf, requesterOf } from './facts.js';
import type { TicketSettings } from './settings.js';
import { folded, isOwnAnswer, stepsOf, type Draft, type Reader, type Step } from './steps.js';
import { TicketEnded, type Entry, type NewTicket, type Ticket, type TicketSystem } from './system.js';
import { wordsOf } from './words.js';

/** Tickets that one delivery goes through at most, where each has ended. */
const MOST_TICKETS = 8;
const SUBJECT = 100;

/** Hands events of one lane to a ticket system: what each is, into the ticket that its conversation is. */
export async function deliverTo<C extends TicketSettings>(
  system: TicketSystem<C>,
  events: readonly StreamEvent[],
  ctx: ConnectorContext<C>,
): Promise<void> {
  const { destinationId, config: settings } = ctx;
  const reader: Reader = { destinationId, settings, capabilities: system.capabilities, sharedWith: [] };
  const steps = events.flatMap((event) => stepsOf(event, reader));
  for (const step of steps) {
    if (step.kind === 'erased') await tellErased(system, step, ctx);
    if (step.kind === 'changes' && !step.changes.data.conversation) await tellEverywhere(system, step.changes, ctx);
  }
  const conversationId = events.find(({ data }) => data?.conversation)?.data?.conversation?.id;
  if (!conversationId || (!steps.some(isOfTicket) && !events.some((event) => isOwnAnswer(event, reader)))) return;
  const known = await ctx.reference(conversationId);
  const { sharedWith = [] } = known ?? {};
  const told = sharedWith.length === 0 ? steps : events.flatMap((event) => stepsOf(event, { ...reader, sharedWith }));
  await new Delivery({ system, ctx, reader, conversationId }, known).run(told.filter(isOfTicket));
}

function isOfTicket(step: Step): boolean {
  return step.kind !== 'erased' && (step.kind !== 'changes' || step.changes.data.conversation !== undefined);
}

interface Parts<C extends TicketSettings> {
  readonly system: TicketSystem<C>;
  readonly ctx: ConnectorContext<C>;
  readonly reader: Reader;
  readonly conversationId: string;
}

class Delivery<C extends TicketSettings> {
  private ticket: Ticket | null = null;
  /** May the ticket hold some of it already? */
  private unsure: boolean;

  constructor(
    private readonly parts: Parts<C>,
    private known: KnownTicket | null,
  ) {
    this.unsure = parts.ctx.unsure;
    if (known) this.ticket = { id: known.ticketId, url: known.url ?? null };
  }

  async run(steps: readonly Step[]): Promise<void> {
    if (steps.length === 0) return;
    const { capabilities } = this.parts.system;
    const opening = steps.flatMap((step) => (step.kind === 'entry' && step.draft.opens ? step.draft : []))[0];
    if (!this.ticket && opening) await this.locate(opening);
    for (const step of folded(await this.missing(steps), capabilities.batch ?? 1)) {
      if (step.kind === 'entry') await this.enter(step.draft);
      if (step.kind === 'status') await this.setStatus(step.status);
      if (step.kind === 'changes') await this.tellChanges(step.changes);
    }
  }

  /** The ticket that an attempt of which the end is not known may have made. */
  private async locate(opening: Draft): Promise<void> {
    const { system, ctx, conversationId } = this.parts;
    if (!(await this.find(conversationId)) || system.capabilities.opensWithFacts) return;
    const about = await system.recorded?.(this.ticket!.id, [aboutId(conversationId)], ctx);
    if (about?.length === 0) await this.addAbout(opening).catch(passOver);
  }

  /** A ticket that is found, and not known, was made by an attempt whose end is not known. */
  private async find(externalId: string): Promise<boolean> {
    const { system, ctx, conversationId } = this.parts;
    const found = await system.find?.(externalId, ctx);
    if (!found) return false;
    this.ticket = found;
    this.unsure = true;
    await ctx.refer(conversationId, { ticketId: found.id, url: found.url ?? null });
    this.known = await ctx.reference(conversationId);
    return true;
  }

  /** Without what the ticket holds. */
  private async missing(steps: readonly Step[]): Promise<readonly Step[]> {
    const held = await this.held(steps.flatMap((step) => (step.kind === 'entry' ? step.draft.ids : [])));
    return steps.filter((step) => step.kind !== 'entry' || !step.draft.ids.every((id) => held.has(id)));
  }

  /** Which of these the ticket holds, as far as that is to be asked. */
  private async held(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const { system, ctx } = this.parts;
    if (!this.unsure || !this.ticket || ids.length === 0) return new Set();
    return new Set(await system.recorded?.(this.ticket.id, ids, ctx));
  }

  private async enter(draft: Draft): Promise<void> {
    const { reader, ctx } = this.parts;
    if (!this.ticket && !draft.opens) return;
    let entries = await entriesOf(draft, reader, ctx);
    if (!this.ticket) return this.open(draft, entries, { externalId: this.parts.conversationId });
    for (let tickets = 1; ; tickets += 1) {
      try {
        return await this.add(entries);
      } catch (error) {
        if (!(error instanceof TicketEnded) || tickets >= MOST_TICKETS) throw error;
        if (!(await this.goOn(error, draft))) {
          if (draft.opens) await this.open(draft, entries, { externalId: this.followUpId, followUpOf: this.ticket.id });
          return;
        }
        // It is another's as well: messages have to say who wrote them.
        if (this.known?.sharedWith?.length && draft.by)
          entries = await entriesOf({ ...draft, heading: draft.by }, reader, ctx);
      }
    }
  }

  /** Adds what is not there. */
  private async add(entries: readonly Entry[]): Promise<void> {
    const held = await this.held(entries.length > 1 || this.moved ? entries.flatMap(({ ids }) => ids) : []);
    for (const entry of entries) if (!entry.ids.every((id) => held.has(id))) await this.append(entry);
  }

  /** What was said must not be lost for the sake of a file that the system does not take: it is linked then. */
  private async append(entry: Entry): Promise<void> {
    const { system, ctx } = this.parts;
    try {
      await system.append(this.ticket!.id, entry, ctx);
    } catch (error) {
      if (!refusesFiles(error, entry)) throw error;
      await system.append(this.ticket!.id, linked(entry), ctx);
    }
  }

  /** Another ticket than the one that `missing` asked. */
  private moved = false;
  private get followUpId(): string {
    return `${this.parts.conversationId}.${this.ticket!.id}`;
  }

  /** To the ticket that follows the one that has ended; false where there is none. */
  private async goOn({ how, into }: TicketEnded, { opens }: Draft): Promise<boolean> {
    const { ctx, conversationId } = this.parts;
    if (how !== 'merged' || !into) return (opens || this.unsure) && (this.moved = await this.find(this.followUpId));
    this.ticket = into;
    this.moved = true;
    await ctx.refer(conversationId, { ticketId: into.id, url: into.url ?? null });
    this.known = await ctx.reference(conversationId);
    return true;
  }

  private async open(
    draft: Draft,
    [opening, ...rest]: readonly Entry[],
    place: Pick<NewTicket, 'externalId' | 'followUpOf'>,
  ): Promise<void> {
    const { system, ctx, conversationId } = this.parts;
    const contact = (await ctx.contactOf(conversationId)) ?? draft.data.contact;
    const now = { ...draft, data: { ...draft.data, ...(contact && { contact }) } };
    const ticket = { ...this.describe(now), ...place };
    try {
      this.ticket = await system.create({ ...ticket, opening: opening! }, ctx);
    } catch (error) {
      if (!refusesFiles(error, opening!)) throw error;
      // It may stand there already, without them.
      if (await this.find(place.externalId)) {
        const held = await this.held(opening!.ids);
        if (!opening!.ids.every((id) => held.has(id))) rest.unshift(linked(opening!));
      } else this.ticket = await system.create({ ...ticket, opening: linked(opening!) }, ctx);
    }
    this.known = null;
    await this.addAbout(now);
    await ctx.refer(conversationId, { ticketId: this.ticket!.id, url: this.ticket!.url ?? null });
    await this.catchUp(draft, contact);
    for (const entry of rest) await this.append(entry);
  }

  /** What became known of the person between the making of the ticket and its being known here: no event tells it. */
  private async catchUp({ data, at }: Draft, before: Contact | undefined): Promise<void> {
    const { system, ctx, conversationId } = this.parts;
    if (system.capabilities.opensWithFacts) return;
    const contact = await ctx.contactOf(conversationId);
    if (!contact || !before || isDeepStrictEqual(contact, before)) return;
    const names = (['name', 'handles', 'company', 'crm'] as const).filter(
      (name) => !isDeepStrictEqual(contact[name], before[name]),
    );
    const changes = changesOf({
      id: `${conversationId}.now`,
      type: 'contact.updated',
      timestamp: at,
      sequence: null,
      data: { ...data, contact, changes: [...names] },
    });
    if (changes) await this.tellChanges(changes);
  }

  private describe({ data }: Draft): Omit<NewTicket, 'externalId' | 'opening'> {
    const { ctx, conversationId } = this.parts;
    const { conversation, message } = data;
    const words = wordsOf(ctx.config.language);
    const requester = requesterOf(data);
    const first = message?.text
      .trim()
      .split('\n')[0]
      ?.trim()
      .slice(0, SUBJECT)
      .replace(/[\ud800-\udbff]$/, '');
    return {
      conversationId,
      subject: conversation?.subject || first || words.newMessage(requester.name, channelOf(data)),
      requester,
      facts: factsOf(data, words, ctx.conversationUrl(conversationId)),
      priority: conversation?.priority ?? 'normal',
      tags: conversation?.tags ?? [],
      queue: conversation?.queue ?? null,
    };
  }

  private async addAbout(draft: Draft): Promise<void> {
    const { system, ctx, conversationId } = this.parts;
    if (system.capabilities.opensWithFacts) return;
    const { facts } = this.describe(draft);
    const lines = factLines(facts, wordsOf(ctx.config.language));
    await system.append(this.ticket!.id, { ...noteOf(aboutId(conversationId), draft.at), ...lines }, ctx);
  }

  private async tellChanges(changes: Changes): Promise<void> {
    const { system, ctx, conversationId } = this.parts;
    if (!this.ticket) return;
    const noted = (await this.held([changes.id])).has(changes.id);
    await tellChanges(system, { ...this.known, ticketId: this.ticket.id, conversationId, noted }, { changes, ctx });
  }

  private async setStatus(status: 'open' | 'pending' | 'closed'): Promise<void> {
    const { system, ctx } = this.parts;
    let ticket = this.ticket;
    for (let tickets = 0; ticket && tickets < MOST_TICKETS; tickets += 1) {
      try {
        return await system.setStatus?.(ticket.id, status, ctx);
      } catch (error) {
        // What follows one that has ended is opened by the next message.
        if (!(error instanceof TicketEnded)) throw error;
        ticket = error.into ?? null;
      }
    }
  }
}

/** By a proxy in front of it, by its own limit, or by the kind of the file. */
function refusesFiles(error: unknown, { attachments }: Entry): boolean {
  return error instanceof DeliveryRefused && [400, 413, 415, 422].includes(error.status) && attachments.length > 0;
}

function aboutId(conversationId: string): string {
  return `${conversationId}.about`;
}

function noteOf(id: string, at: string): Pick<Entry, 'ids' | 'kind' | 'author' | 'attachments' | 'at'> {
  return { ids: [id], kind: 'note', author: null, attachments: [], at };
}

/** Conversations that were erased are known by nothing but what their tickets bear. */
async function tellErased<C extends TicketSettings>(
  system: TicketSystem<C>,
  step: Extract<Step, { kind: 'erased' }>,
  ctx: ConnectorContext<C>,
): Promise<void> {
  const words = wordsOf(ctx.config.language);
  const at = new Date(ctx.now()).toISOString();
  for (const id of step.conversationIds) {
    const ticket = await system.find?.(id, ctx);
    const told = ticket && ctx.unsure ? await system.recorded?.(ticket.id, [step.id], ctx) : [];
    if (!ticket || (told?.length ?? 0) > 0) continue;
    await system.append(ticket.id, { ...noteOf(step.id, at), ...said(words.erased) }, ctx).catch(passOver);
  }
}

/** A note to a ticket that has ended is for nobody. */
function passOver(error: unknown): void {
  if (!(error instanceof TicketEnded)) throw error;
}
