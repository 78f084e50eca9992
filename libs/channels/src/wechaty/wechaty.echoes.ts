/** What goes out, as its echo will show it. */
export interface Outgoing {
  /** The puppet's id of the conversation. */
  readonly to: string;
  /** The text; of anything else null. */
  readonly text: string | null;
}

interface Sending extends Outgoing {
  /** When the puppet answered. */
  at: number;
  /** The puppet's id; null where it gives none, undefined where nobody knows whether it was sent. */
  readonly id: Promise<string | null | undefined>;
  readonly echoed: (id: string) => void;
}

/** An echo comes within moments of what it echoes. */
const LATEST_MS = 60_000;
/** How long to wait for the echo of a puppet that gives no id, to learn the id of it. */
const PATIENCE_MS = 1_000;
const MOST_IDS = 1_000;

/**
 * Tells what this gateway sent from what our user wrote on the phone: both come back as messages of ourselves. Puppets that give an id for what they sent are held to
 * it; of others the first equal message to the same conversation is taken for the echo.
 */
export class Echoes {
  private readonly ids = new Set<string>();
  private readonly open = new Set<Sending>();

  constructor(private readonly now: () => number) {}

  /** Sends by `work`, which resolves with the puppet's id where it gives one. Resolves with the id, where it is known. */
  async send(outgoing: Outgoing, work: () => Promise<string | void>): Promise<string | undefined> {
    let echoed: (id: string) => void = () => undefined;
    const echo = new Promise<string>((resolve) => (echoed = resolve));
    const given = work();
    const id = given.then(
      (value) => value || null,
      () => undefined,
    );
    const sending = { ...outgoing, at: Infinity, id, echoed };
    this.forgetOld();
    this.open.add(sending);
    try {
      const own = (await given) || null;
      sending.at = this.now();
      if (own === null) return await within(PATIENCE_MS, echo);
      this.note(own);
      this.open.delete(sending);
      return own;
    } catch (error) {
      this.open.delete(sending);
      throw error;
    }
  }

  /** Is this message of ourselves the echo of what was sent here? Waits for what is on its way and may be it. */
  async isOurs(id: string, { to, text }: Outgoing): Promise<boolean> {
    if (this.ids.has(id)) return true;
    this.forgetOld();
    for (const sending of [...this.open]) {
      if (sending.to !== to || !same(sending.text, text)) continue;
      const own = await sending.id;
      if (own === id) return true;
      if (own !== null || !this.open.delete(sending)) continue;
      this.note(id);
      sending.echoed(id);
      return true;
    }
    return this.ids.has(id);
  }

  private forgetOld(): void {
    for (const sending of this.open) if (this.now() - sending.at > LATEST_MS) this.open.delete(sending);
  }

  private note(id: string): void {
    this.ids.add(id);
    const [oldest] = this.ids;
    if (this.ids.size > MOST_IDS && oldest !== undefined) this.ids.delete(oldest);
  }
}

function same(a: string | null, b: string | null): boolean {
  return a?.replace(/\s+/g, ' ').trim() === b?.replace(/\s+/g, ' ').trim();
}

function within<T>(ms: number, wanted: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    void wanted.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
