import type { ChatState, Form, Store } from './store.js';
import type { ClientFrame, Prechat, PrechatAnswers, ServerFrame } from './wire.js';

/** The form before the first message: shows what the gateway asks, and asks it for codes. The gateway decides when it is done. */
export class PrechatForm {
  constructor(
    private readonly store: Store<ChatState>,
    private readonly send: (frame: ClientFrame) => void,
    private readonly done: () => void,
  ) {}

  /** With each welcome: what is left to be asked. Somebody who has answered is asked for the code that is still missing. */
  welcome(prechat: Prechat | undefined): void {
    if (prechat) this.show(prechat);
    else this.finish();
  }

  fill(answers: PrechatAnswers): void {
    this.send({ type: 'prechat', answers });
  }

  sendCode(): void {
    this.send({ type: 'code', scheme: this.store.state.form!.scheme! });
  }

  confirm(code: string): void {
    this.send({ type: 'confirm', scheme: this.store.state.form!.scheme!, code });
  }

  /** Changes what is shown: back to the fields, or what the gateway said. */
  update(patch: Partial<Form>): void {
    const { form } = this.store.state;
    if (form) this.store.update({ form: { ...form, ...patch } });
  }

  /** Nothing is asked any more: also where the visitor goes on without a code, and when the conversation has begun in another tab. */
  finish(): void {
    if (!this.store.state.form) return;
    this.store.update({ form: null });
    this.done();
  }

  receive(frame: Extract<ServerFrame, { type: 'prechat' | 'code' }>): void {
    if (frame.type === 'code') return this.update({ said: frame.state });
    this.show(frame.prechat);
    const { form } = this.store.state;
    if (form?.scheme) this.sendCode();
    else if (form?.done) this.finish();
  }

  private show(prechat: Prechat): void {
    const { verified, verifiable, answers, faults } = prechat;
    const scheme = (!faults && !verified[0] && verifiable.find((name) => answers[name])) || null;
    this.store.update({ form: { ...prechat, scheme, said: null } });
  }
}
