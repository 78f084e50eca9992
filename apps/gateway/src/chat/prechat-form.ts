import type { Prechat, PrechatAnswers, PrechatConfig, PrechatField } from '#channels';
import { cleanText, InvalidHandle, type Handle, type SenderHandle } from '#normalizer';
import type { Person } from './chat-session.js';

type Fault = NonNullable<Prechat['faults']>[number];
type Scheme = Prechat['verifiable'][number];

/** An address that a code proved; `source` says which account had sent it. */
export type ProvenAddress = Pick<SenderHandle, 'scheme' | 'value' | 'source'>;

/** What a visitor said before the first message, as it is stored, and which addresses they proved. */
export interface Introduction {
  readonly answers: PrechatAnswers;
  readonly proven: readonly ProvenAddress[];
}

/** What the first message brings along of it. */
export interface Said {
  readonly name?: string;
  readonly handles: readonly SenderHandle[];
  readonly metadata?: Record<string, string>;
}

export interface FormParts {
  readonly config: PrechatConfig;
  readonly person: Person | undefined;
  /** Which addresses a code can be sent to. */
  readonly canVerify: (scheme: Scheme) => boolean;
  readonly normalize: (handle: { scheme: string; value: string }) => Handle;
}

const SCHEMES: readonly Scheme[] = ['phone', 'email'];

/** The form of one account for one visitor. Pure. */
export class PrechatForm {
  readonly fields: Prechat['fields'];
  readonly verify: Prechat['verify'];
  readonly verifiable: Scheme[];

  constructor(private readonly parts: FormParts) {
    const { config, person, canVerify } = parts;
    const entries = Object.entries(config.fields) as [PrechatField, PrechatConfig['fields']['product']][];
    this.fields = entries.flatMap(([name, field]) => (field && !tells(person, name) ? [{ name, ...field }] : []));
    const addresses = this.fields.flatMap(({ name }) => (isScheme(name) ? [name] : []));
    this.verifiable = config.verify === 'off' || person ? [] : addresses.filter(canVerify);
    const idle = person || (config.verify === 'optional' && this.verifiable.length === 0);
    this.verify = idle ? 'off' : config.verify;
  }

  /** What stands in the way of these answers, and what would be stored of them. */
  read(given: PrechatAnswers): { readonly answers: PrechatAnswers; readonly faults: Fault[] } {
    const answers: PrechatAnswers = {};
    const faults: Fault[] = [];
    for (const { name, required, options } of this.fields) {
      const text = cleanText(given[name] ?? '').trim();
      const value = text === '' ? text : this.normal(name, text, options);
      if (value === '') {
        if (required) faults.push({ field: name, fault: 'required' });
      } else if (value === undefined) faults.push({ field: name, fault: 'invalid' });
      else answers[name] = value;
    }
    const provable = this.verifiable.length > 0 ? this.verifiable : SCHEMES;
    const lost = this.verify === 'required' && !provable.some((scheme) => scheme in answers);
    const first = this.fields.find(({ name }) => isScheme(name) && provable.includes(name));
    if (lost && first && faults.every(({ field }) => field !== first.name))
      faults.push({ field: first.name, fault: 'required' });
    return { answers, faults };
  }

  /** Does everything that is required stand there? */
  admits({ answers, proven }: Introduction): boolean {
    const answered = this.fields.every(({ name, required }) => !required || answers[name] !== undefined);
    return answered && (this.verify !== 'required' || this.verified({ answers, proven }).length > 0);
  }

  /** The answers that are proven. */
  verified({ answers, proven }: Introduction): Scheme[] {
    return SCHEMES.filter((scheme) =>
      proven.some((handle) => handle.scheme === scheme && handle.value === answers[scheme]),
    );
  }

  /** What the first message brings along. Nothing of it is more than a claim but what was proven. */
  said({ answers, proven }: Introduction): Said {
    const asked = new Set(this.fields.map(({ name }) => name));
    const claimed = SCHEMES.flatMap((scheme): SenderHandle[] => {
      const value = asked.has(scheme) ? answers[scheme] : undefined;
      return value === undefined ? [] : [{ scheme, scope: '', value, proof: 'claimed' }];
    });
    const schemes = new Set(claimed.map(({ scheme }) => scheme));
    const handles = claimed.map((claim) => {
      const proof = proven.find(({ scheme, value }) => scheme === claim.scheme && value === claim.value);
      return proof ? verified(proof) : claim;
    });
    const others = proven.filter(({ scheme }) => !schemes.has(scheme)).map(verified);
    const { product, questionType, name } = answers;
    const metadata = { ...(product && { product }), ...(questionType && { questionType }) };
    return {
      ...(name && asked.has('name') && { name }),
      handles: [...handles, ...others],
      ...(Object.keys(metadata).length > 0 && { metadata }),
    };
  }

  /** The form as the browser gets it. */
  show(stored: Introduction | undefined, done: boolean): Prechat {
    const introduction = stored ?? { answers: {}, proven: [] };
    const { title } = this.parts.config;
    const { fields, verify, verifiable } = this;
    const { answers } = introduction;
    return {
      ...(title && { title }),
      fields,
      verify,
      verifiable,
      answers,
      verified: this.verified(introduction),
      done,
    };
  }

  private normal(name: PrechatField, text: string, options?: readonly string[]): string | undefined {
    if (!isScheme(name)) return options && !options.includes(text) ? undefined : text;
    try {
      return this.parts.normalize({ scheme: name, value: text }).value;
    } catch (error) {
      if (error instanceof InvalidHandle) return undefined;
      throw error;
    }
  }
}

function verified({ scheme, value, source }: ProvenAddress): SenderHandle {
  return { scheme, scope: '', value, proof: 'verified', ...(source && { source }) };
}

function isScheme(name: PrechatField): name is Scheme {
  return (SCHEMES as readonly string[]).includes(name);
}

/** Does the token of an identified person say it? */
function tells(person: Person | undefined, field: PrechatField): boolean {
  return (field === 'name' || isScheme(field)) && person?.[field] !== undefined;
}
