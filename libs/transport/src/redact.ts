import { mapSecrets } from '#normalizer';
import type { z } from 'zod';

/** One request and its answer, as it was on the wire. */
export interface RawExchange {
  /** When the request began, milliseconds since the epoch. */
  readonly at: number;
  readonly durationMs: number;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Buffer | null;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Buffer | null;
  } | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
}

/** The same for people: no secret and no message body in it, bodies as text of at most 4,000 characters. */
export interface Exchange extends Omit<RawExchange, 'request' | 'response'> {
  readonly request: Omit<RawExchange['request'], 'body'> & { readonly body: string | null };
  readonly response: (Omit<NonNullable<RawExchange['response']>, 'body'> & { readonly body: string | null }) | null;
}

const HIDDEN = '***';
const MOST = { characters: 4_000, parsedBytes: 65_536, depth: 12 };
const SECRET_NAME =
  /authorization|cookie|signature|token|secret|passw|api-?_?key|access-?_?key|session-?_?key|private-?_?key|credential|^(sig|sign|key|pwd|nonce_?str)$/i;
const TEXT_NAME =
  /text|content|body|html|caption|subject|title|descri|label|markdown|quote|param|values|^(name|author|address|message|msg)$|(first|last|middle|given|family|full|real|nick|display|profile|push|formatted|sender|contact|customer|visitor|file)_?name$/i;
/** Names under which providers explain a failure. Kept in answers only, so that an operator can read why. */
const REASON_NAME = /^(err_?msg|error|error_?(message|description)|message|msg|detail|reason|more_?info)$/i;
/** What an identifier, a number, a time or an address looks like; anything else is taken for a text. */
const IDENTIFIER = /^[\w.:+@/=~?&%#-]{0,200}$/;

/**
 * Takes secrets and message bodies out of an exchange. Pure. Gone are: headers, query parameters and fields with the name of a secret;
 * every occurrence of the given secrets (of four characters or more; also percent-encoded or in base64); every text, as
 * `[text: N chars]`. Only JSON and form bodies are shown at all; of others the type and size remain. A reason that an answer gives is
 * kept unless it repeats a text of the request.
 */
export function redact(exchange: RawExchange, secrets: readonly string[]): Exchange {
  const eraser = new Eraser(secrets);
  const { request, response, failure } = exchange;
  return {
    at: exchange.at,
    durationMs: exchange.durationMs,
    request: {
      method: request.method,
      url: eraser.url(request.url),
      headers: eraser.headers(request.headers),
      body: eraser.body(request.body, request.headers, false),
    },
    response: response && {
      status: response.status,
      headers: eraser.headers(response.headers),
      body: eraser.body(response.body, response.headers, true),
    },
    failure: failure && { code: failure.code, message: eraser.secretsOut(failure.message) },
  };
}

/** Replaces every occurrence of the secrets in a text, as they are, percent-encoded and in base64. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return new Eraser(secrets).secretsOut(text);
}

/** Where a value stands: how deep, and in a request or an answer. */
interface Place {
  readonly answer: boolean;
  readonly depth: number;
}
const REQUEST: Place = { answer: false, depth: 0 };

class Eraser {
  private readonly forbidden: string[];
  /** Texts of the request, which its answer may repeat. */
  private readonly texts: string[] = [];

  constructor(secrets: readonly string[]) {
    this.forbidden = secrets
      .filter((secret) => secret.length >= 4)
      .flatMap((secret) => [
        secret,
        encodeURIComponent(secret),
        Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      ])
      .sort((a, b) => b.length - a.length);
  }

  secretsOut(text: string): string {
    return this.forbidden.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  }

  headers(headers: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, SECRET_NAME.test(name) ? HIDDEN : this.secretsOut(value)]),
    );
  }

  url(text: string): string {
    if (!URL.canParse(text)) return '';
    const url = new URL(text);
    url.username = url.password = '';
    for (const name of new Set(url.searchParams.keys())) {
      const shown = url.searchParams.getAll(name).map((value) => String(this.value(value, name, REQUEST)));
      url.searchParams.delete(name);
      shown.forEach((value) => url.searchParams.append(name, value));
    }
    return this.secretsOut(url.href.replaceAll('%5B', '[').replaceAll('%5D', ']'));
  }

  body(body: Buffer | null, headers: Readonly<Record<string, string>>, answer: boolean): string | null {
    if (!body || body.length === 0) return null;
    const type = (headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
    const parsed = body.length > MOST.parsedBytes ? undefined : parse(body.toString('utf8'), type);
    if (parsed === undefined) return `[${body.length} bytes${type && ` of ${this.secretsOut(type)}`}]`;
    const shown = this.secretsOut(JSON.stringify(this.value(parsed, '', { answer, depth: 0 })));
    return shown.length <= MOST.characters
      ? shown
      : `${shown.slice(0, MOST.characters)} [${shown.length - MOST.characters} more]`;
  }

  private value(value: unknown, name: string, place: Place): unknown {
    if (value !== null && SECRET_NAME.test(name)) return HIDDEN;
    if (typeof value === 'string') return this.string(value, name, place);
    if (typeof value !== 'object' || value === null) return value;
    if (place.depth >= MOST.depth) return '[deeper]';
    const inner = { ...place, depth: place.depth + 1 };
    if (Array.isArray(value)) return value.map((item) => this.value(item, name, inner));
    const texts = TEXT_NAME.test(name) && !REASON_NAME.test(name);
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        this.secretsOut(key),
        this.value(member, texts && typeof member === 'string' && !SECRET_NAME.test(key) ? name : key, inner),
      ]),
    );
  }

  private string(value: string, name: string, { answer }: Place): string {
    if (answer && REASON_NAME.test(name)) {
      const reason = this.texts.reduce((rest, text) => rest.replaceAll(text, `[text: ${text.length} chars]`), value);
      return this.secretsOut(reason).slice(0, 300);
    }
    if (!TEXT_NAME.test(name) && IDENTIFIER.test(value)) return /^https?:/.test(value) ? this.url(value) : value;
    if (!answer && value.length > 0) this.texts.push(value);
    return `[text: ${value.length} chars]`;
  }
}

/** The structure of a JSON or form body; undefined where it is neither. */
function parse(text: string, type: string): unknown {
  if (type === 'application/x-www-form-urlencoded') {
    const fields = new URLSearchParams(text);
    return Object.fromEntries([...new Set(fields.keys())].map((name) => [name, fields.getAll(name)]));
  }
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The secret values inside the settings of an account or destination: what its traces must not show. */
export function secretValues(schema: z.ZodType, config: unknown): string[] {
  const values: string[] = [];
  mapSecrets(schema, config, (value) => {
    values.push(value);
    return value;
  });
  return values;
}
