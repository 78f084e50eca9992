import { fakeProvider, type FakeAnswer, type FakeProvider, type LoggedRequest } from '#transport/testing';

const ERROR = (errorCode: string, message: string) => [{ message, errorCode }];
const URL_OF = (id: string) => ({ type: 'Contact', url: `/services/data/v62.0/sobjects/Contact/${id}` });

export interface FakeContact {
  readonly Id: string;
  readonly [field: string]: unknown;
}

/**
 * Salesforce's documented answers: the login, `/query`, `/parameterizedSearch` and rows by external id. It reads the literals of a query as SOQL does, and
 * refuses one that is no such query.
 */
export class FakeSalesforce {
  readonly queries: string[] = [];
  readonly searches: Record<string, unknown>[] = [];
  logins = 0;
  contacts: FakeContact[] = [];
  /** Answers any call, once, in place of the usual. */
  next: FakeAnswer | undefined;
  private valid = '';

  private constructor(readonly server: FakeProvider) {
    server.answer((request) => this.answer(request));
  }

  static async start(): Promise<FakeSalesforce> {
    return new FakeSalesforce(await fakeProvider());
  }

  /** Ends every session. */
  expire(): void {
    this.valid = '';
  }

  private answer(request: LoggedRequest): FakeAnswer {
    if (request.path === '/services/oauth2/token') return this.login(new URLSearchParams(request.body.toString()));
    if (!this.valid || request.headers.authorization !== `Bearer ${this.valid}`)
      return { status: 401, body: ERROR('INVALID_SESSION_ID', 'Session expired or invalid') };
    const { next } = this;
    this.next = undefined;
    if (next) return next;
    const [, , , version, kind, ...rest] = request.path.split('/');
    if (version !== 'v62.0') return { status: 404, body: ERROR('NOT_FOUND', 'The requested resource does not exist') };
    if (kind === 'query') return this.query(request.query.get('q') ?? '');
    if (kind === 'parameterizedSearch') return this.search(JSON.parse(request.body.toString()) as { q: string });
    return this.byExternalId(rest[1]!, decodeURIComponent(rest[2]!));
  }

  private login(form: URLSearchParams): FakeAnswer {
    if (form.get('grant_type') !== 'client_credentials' || form.get('client_secret') !== 'hush-hush')
      return { status: 400, body: { error: 'invalid_client', error_description: 'invalid client credentials' } };
    this.logins += 1;
    this.valid = `00Dx!${this.logins}`;
    return { body: { access_token: this.valid, instance_url: 'https://elsewhere.example', token_type: 'Bearer' } };
  }

  private query(soql: string): FakeAnswer {
    this.queries.push(soql);
    const shape = /^SELECT ([\w., ]+) FROM Contact(?: WHERE (.+))? LIMIT \d+$/s.exec(soql);
    const column = shape?.[1]?.split(', ').find((name) => name.includes('Missing'));
    if (column) return { status: 400, body: ERROR('INVALID_FIELD', `No such column '${column}' on entity 'Contact'`) };
    if (!shape) return { status: 400, body: ERROR('MALFORMED_QUERY', `unexpected token: ${soql}`) };
    const rest = (shape[2] ?? '').replace(/'(?:[^'\\]|\\.)*'/g, '?');
    if (!/^$|^\w+ = \?( OR \w+ = \?)*$|^Id IN \(\?(, \?)*\)$/.test(rest))
      return { status: 400, body: ERROR('MALFORMED_QUERY', `unexpected token: ${rest}`) };
    const literals = [...(shape[2] ?? '').matchAll(/'((?:[^'\\]|\\.)*)'/g)].map(([, inner]) => inner!.replace(/\\(.)/g, '$1'));
    const records = this.contacts.filter((contact) => literals.some((value) => [contact.Id, contact.Email].includes(value)));
    return { body: { totalSize: records.length, done: true, records: records.map((r) => ({ attributes: URL_OF(r.Id), ...r })) } };
  } // prettier-ignore

  /** Finds numbers by their last seven digits, as an index that is too kind would. */
  private search(body: { q: string }): FakeAnswer {
    this.searches.push(body);
    const found = this.contacts.filter((contact) =>
      ['Phone', 'MobilePhone'].some((field) => String(contact[field]).replace(/\D/g, '').endsWith(body.q.slice(-7))),
    );
    return { body: { searchRecords: found.map(({ Id }) => ({ attributes: URL_OF(Id), Id })) } };
  }

  private byExternalId(field: string, value: string): FakeAnswer {
    const found = this.contacts.filter((contact) => contact[field] === value);
    if (found.length === 0) return { status: 404, body: ERROR('NOT_FOUND', 'The requested resource does not exist') };
    if (found.length > 1) return { status: 300, body: found.map(({ Id }) => URL_OF(Id).url) };
    return { body: { attributes: URL_OF(found[0]!.Id), Id: found[0]!.Id } };
  }
}
