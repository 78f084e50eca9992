import { AUTOMATIC_REPLY, type IncomingMail } from '#mail';
import type { Context } from './thread.js';

/** The sign of an address such as noreply@. */
const PROGRAM = 'the address of a program';
/** Signs of a program that ticket systems put on what agents write, too. */
const ALSO_ON_ANSWERS = new Set(['Precedence', 'X-Auto-Response-Suppress', 'list-id', 'list-post', 'list-unsubscribe', 'feedback-id', PROGRAM]); // prettier-ignore
const SERVERS = /^(?:mailer-daemon|postmaster|mail-daemon)@/;

/** Why nobody vouches that a mail is an answer, in words; null where it is proven to be from whom answers come. */
export async function doubtOf(mail: IncomingMail, ctx: Context): Promise<string | null> {
  const { author, doubt, originators } = mail;
  const { address } = author;
  if (address === null) return 'it names no sender';
  if (!mayAnswer(address, ctx)) return `its sender ${address} is not among \`answersFrom\``;
  const other = originators.find((one) => !isOurs(one, ctx) && !mayAnswer(one, ctx));
  if (other !== undefined) return `${other}, for whom ${address} passes it on, is not among \`answersFrom\``;
  const why = await doubt();
  return why === undefined ? null : `its sender ${address} is not proven (${why})`;
}

function mayAnswer(address: string, { config }: Context): boolean {
  const domain = address.slice(address.lastIndexOf('@') + 1);
  return config.answersFrom.some((one) => one === address || one === domain);
}

/** Does the system tell us what we told it? It says that it passes on what our own mailbox wrote, as to the other customers of a merged ticket. */
export function isEcho({ originators }: IncomingMail, ctx: Context): boolean {
  return originators.some((one) => isOurs(one, ctx));
}

/** An address of our mailbox, with a reply token or without. */
function isOurs(address: string, { config }: Context): boolean {
  const ours = [config.mailbox.address, ...config.mailbox.aliases];
  return ours.includes(address) || ours.includes(address.replace(/\+[^@]*(?=@[^@]*$)/, ''));
}

/** Did a program write it, and no agent? What a system puts on everything says nothing; nor do words of a subject, which begins as the customer's did. */
export function isAutomatic(mail: IncomingMail, { config }: Context): boolean {
  const { signs, fromUs } = mail;
  if (signs.includes(AUTOMATIC_REPLY) || isOfServer(mail) || fromUs) return true;
  return signs.some((sign) => !ALSO_ON_ANSWERS.has(sign) && !(sign === 'Auto-Submitted' && config.machineAnswers));
}

/** Is it by a mail server, which reports? */
export function isOfServer({ author, returnPath }: IncomingMail): boolean {
  return returnPath === '' || SERVERS.test(author.address ?? '');
}

/** Is it from the address of a program, which is not named by itself among those that answer? */
export function isOfProgram({ author, signs }: IncomingMail, { config }: Context): boolean {
  return signs.includes(PROGRAM) && !config.answersFrom.includes(author.address ?? '');
}
