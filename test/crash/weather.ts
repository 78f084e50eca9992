import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Received, Receiver } from '../support/index.js';
import type { Draw } from './draw.js';

/** What the far side does to a request; `fine` takes it. */
type Mood = 'fine' | 'slow' | 'refusing' | 'throttling' | 'silent' | 'losing' | 'tearing' | 'garbling';

/** How often each mood comes. Those after which the gateway waits for seconds come in storms alone. */
const SKIES: Readonly<Record<string, Partial<Record<Mood, number>>>> = {
  calm: { fine: 1 },
  slow: { fine: 6, slow: 4 },
  showers: { fine: 8, refusing: 2, slow: 1 },
  throttled: { fine: 14, throttling: 1 },
  silence: { fine: 8, silent: 2, slow: 1 },
  storm: { fine: 10, refusing: 1, losing: 1, tearing: 1, garbling: 1, silent: 1 },
};
const FREQUENCY = { calm: 6, slow: 4, showers: 6, throttled: 2, silence: 6, storm: 2 };
/** The gateway honours it, and not less than a second. */
const SOON = { 'retry-after': '1' };

/** What a fake is told of the fate of each request. */
export interface Witness<T> {
  arrived(request: Received<T>): void;
  /** It was answered by 2xx; `lost`: that is known not to have arrived. */
  taken(request: Received<T>, lost: boolean): void;
}

export interface Flaky<T> {
  readonly receiver: Receiver<T>;
  readonly witness: Witness<T>;
  /** What a 2xx says. */
  readonly body: (request: Received<T>) => unknown;
}

/** A fake whose answers follow the weather of the round. */
export class FlakySide<T> {
  /** Answers that were no plain 200, so far. */
  mishaps = 0;
  private sky = SKIES['calm']!;
  private draw: Draw | undefined;
  private listener: (() => void) | undefined;
  private hook: ((request: Received<T>) => Promise<Answer | undefined> | undefined) | undefined;

  constructor(private readonly parts: Flaky<T>) {
    parts.receiver.answer((request) => this.answer(request));
  }

  /** Another weather; returns its name. */
  change(draw: Draw): string {
    const name = draw.weighted(FREQUENCY);
    this.sky = SKIES[name]!;
    this.draw = draw;
    return name;
  }

  /** Nothing happens any more after which the gateway waits for long, and nobody is told of requests. */
  speakUp(): void {
    this.sky = { ...this.sky, silent: 0, losing: 0, tearing: 0, garbling: 0 };
    this.hook = this.listener = undefined;
  }

  clear(): void {
    this.sky = SKIES['calm']!;
  }

  /** Asked first about each request, until it speaks up. */
  intercept(hook: (request: Received<T>) => Promise<Answer | undefined> | undefined): void {
    this.hook = hook;
  }

  /** Called when it has answered 2xx, until it speaks up. */
  onTaken(listener: () => void): void {
    this.listener = listener;
  }

  private async answer(request: Received<T>): Promise<Answer> {
    const { witness, body } = this.parts;
    witness.arrived(request);
    const answer = (await this.hook?.(request)) ?? (await this.mood(this.draw));
    if (answer === undefined) {
      witness.taken(request, false);
      this.listener?.();
      return { status: 200, body: body(request) };
    }
    this.mishaps += 1;
    if (answer === 'lost') witness.taken(request, true);
    return answer;
  }

  private async mood(draw: Draw | undefined): Promise<Answer | undefined> {
    switch (draw?.weighted(this.sky as Record<Mood, number>)) {
      case 'slow':
        await delay(draw.below(150));
        return undefined;
      case 'refusing':
        return { status: draw.pick([500, 502, 503, 504, 408]), headers: SOON };
      case 'throttling':
        return { status: 429, headers: SOON };
      case 'silent':
        return 'hang';
      case 'losing':
        return 'lost';
      case 'tearing':
        return 'reset';
      case 'garbling':
        return 'garbage';
      default:
        return undefined;
    }
  }
}
