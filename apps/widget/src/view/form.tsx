import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Form as FormState } from '../engine/store.js';
import type { Prechat } from '../engine/wire.js';
import { useChrome, useStore } from './chrome.js';

/** `code` is asked for when the answers are given. */
type Field = Omit<Prechat['fields'][number], 'name'> & { name: Prechat['fields'][number]['name'] | 'code' };

/** What browsers may fill in by themselves, and the keyboard that phones show. */
const HELP: Partial<Record<Field['name'], string>> = {
  name: 'name',
  phone: 'tel',
  email: 'email',
  code: 'one-time-code',
};
const KEYS: Partial<Record<Field['name'], 'tel' | 'email' | 'numeric'>> = {
  phone: 'tel',
  email: 'email',
  code: 'numeric',
};

/** What is asked before the first message: the fields, then the code where one is wanted. */
export function Form({ form }: { form: FormState }): VNode {
  const { client, t, panel } = useChrome();
  const { focus } = useStore(panel);
  const [answers, set] = useState<Partial<Record<Field['name'], string>>>(form.answers);
  const element = useRef<HTMLFormElement>(null);
  const { prechat } = client;
  const { scheme, said, faults, title = t.greeting } = form;
  const fields: Field[] = scheme ? [{ name: 'code', required: true }] : form.fields;
  // Whoever opened the panel by hand is led to what is asked, and to what was wrong.
  useEffect(() => {
    const at = (selector: string) => element.current!.querySelector<HTMLElement>(selector);
    if (focus) (at('[aria-invalid]') ?? at('input,select'))?.focus();
  }, [focus, scheme, faults, said]);
  const submit = (event: Event) => {
    event.preventDefault();
    const { code = '', ...given } = answers;
    if (!scheme) prechat.fill(given);
    else if (code.trim()) prechat.confirm(code);
  };
  const button = (label: string, run: () => void) => (
    <button type="button" class="earlier" onClick={run}>
      {label}
    </button>
  );

  return (
    <form ref={element} class="form" onSubmit={submit}>
      <p class="hello">{scheme ? t.codeSent(form.answers[scheme]!) : title}</p>
      {fields.map((field) => (
        <Ask
          key={field.name}
          field={field}
          value={answers[field.name] ?? ''}
          fault={scheme ? said : faults?.find((fault) => fault.field === field.name)?.fault}
          set={(value) => set({ ...answers, [field.name]: value })}
        />
      ))}
      {!scheme && said && <p role="alert">{t.faults[said]}</p>}
      <button class="send go">{t.send}</button>
      {scheme && (
        <div>
          {button(t.again, () => prechat.sendCode())}
          {button(t.change, () => prechat.update({ scheme: null }))}
          {form.done && button(t.skip, () => prechat.finish())}
        </div>
      )}
    </form>
  );
}

interface AskProps {
  field: Field;
  value: string;
  /** What is said of it, where words are known for that. */
  fault: string | null | undefined;
  set(value: string): void;
}

function Ask({ field: { name, required, label, options }, value, fault, set }: AskProps): VNode {
  const { t } = useChrome();
  const problem = fault && (t.faults[name] ?? t.faults[fault]);
  const common = {
    ...{ value, id: name, 'aria-required': required, 'aria-invalid': problem ? ('true' as const) : undefined },
    'aria-describedby': `${name}-fault`,
    onInput: (event: { currentTarget: { value: string } }) => set(event.currentTarget.value),
  };
  return (
    <div>
      <label for={name}>
        {label ?? t.fields[name]} {!required && <small>{t.optional}</small>}
      </label>
      {options ? (
        <select {...common}>
          <option value="">{t.choose}</option>
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      ) : (
        <input {...common} autocomplete={HELP[name]} inputmode={KEYS[name]} />
      )}
      <p id={`${name}-fault`} role="alert">
        {problem}
      </p>
    </div>
  );
}
