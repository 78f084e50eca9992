import { AccountStore, NotFound, type AccountRecord as StoredAccount } from '#conversations';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Directory } from '../../directory/directory.js';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, paging, toPage } from '../core/page.js';
import { qrCode } from '../core/qr-code.js';
import { maySee, type Caller } from '../core/scopes.js';
import { Serves } from '../core/serves.js';
import { API_OPTIONS, type ApiOptions } from '../options.js';
import { AccountInput, AccountPatch, AccountRecord } from '../schemas/account.js';
import { byId, health } from '../schemas/elements.js';

const tag = 'Accounts';
const read = 'accounts:read' as const;
const write = 'accounts:write' as const;

const list = endpoint({ method: 'GET', path: '/v1/accounts', scope: read, tag, summary: 'List connected accounts', query: z.strictObject(paging), status: 200, answer: pageOf(AccountRecord) }); // prettier-ignore
const get = endpoint({ method: 'GET', path: '/v1/accounts/{id}', scope: read, tag, summary: 'Get an account', params: byId, status: 200, answer: AccountRecord }); // prettier-ignore
const create = endpoint({
  method: 'POST',
  path: '/v1/accounts',
  scope: write,
  tag,
  summary: 'Connect an account',
  description:
    "`config` is checked against the channel's schema, which `GET /v1/channels` shows. Secrets are stored encrypted.",
  body: AccountInput,
  status: 201,
  answer: AccountRecord,
  problems: ['taken'],
  examples: { body: { id: 'web', type: 'webchat', name: 'Web chat', config: { origins: ['https://shop.example'] } } },
});
const patch = endpoint({
  method: 'PATCH',
  path: '/v1/accounts/{id}',
  scope: write,
  tag,
  summary: 'Change an account',
  description: 'One that the settings file manages is refused with `read-only`.',
  params: byId,
  body: AccountPatch,
  status: 200,
  answer: AccountRecord,
  problems: ['read-only'],
});
const remove = endpoint({
  method: 'DELETE',
  path: '/v1/accounts/{id}',
  scope: write,
  tag,
  summary: 'Disconnect an account',
  description: 'Its conversations and messages stay. An account made later with the same id takes up its threads.',
  params: byId,
  status: 204,
  problems: ['read-only'],
});
const check = endpoint({
  method: 'POST',
  path: '/v1/accounts/{id}/check',
  scope: write,
  tag,
  summary: 'Test the credentials',
  description: 'Asks the provider something harmless. The answer is 200 either way; `ok` says how it went.',
  params: byId,
  status: 200,
  answer: health,
  work: 'outside',
});

@Controller()
export class AccountsController {
  constructor(
    @Inject(AccountStore) private readonly store: AccountStore,
    @Inject(Directory) private readonly directory: Directory,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Serves(list)
  async list(@Called() { sql, query, caller }: Call<typeof list>) {
    const after = fromCursor(query.cursor, z.tuple([z.string()]))?.[0] ?? '';
    const all = (await this.store.list(sql)).sort((a, b) => (a.id < b.id ? -1 : 1));
    const rows = all.filter(({ id }) => id > after && maySee(caller, id)).slice(0, query.limit + 1);
    return toPage(rows, query.limit, { place: (row) => [row.id], show: (row) => this.show(row) });
  }

  @Serves(get)
  async get(@Called() { sql, params, caller }: Call<typeof get>) {
    demandVisible(caller, params.id);
    return this.show(await this.store.get(sql, params.id));
  }

  @Serves(create)
  async create(@Called() { sql, body, afterCommit }: Call<typeof create>) {
    const { reopenWithin: reopenWithinS, ...input } = body;
    const account = await this.store.create(sql, { ...input, reopenWithinS });
    afterCommit(() => this.directory.changed());
    return this.show(account);
  }

  @Serves(patch)
  async patch(@Called() { sql, params, body, caller, afterCommit }: Call<typeof patch>) {
    demandVisible(caller, params.id);
    const { reopenWithin: reopenWithinS, ...change } = body;
    const account = await this.store.update(sql, params.id, { ...change, reopenWithinS });
    afterCommit(() => this.directory.changed());
    return this.show(account);
  }

  @Serves(remove)
  async remove(@Called() { sql, params, caller, afterCommit }: Call<typeof remove>) {
    demandVisible(caller, params.id);
    await this.store.remove(sql, params.id);
    afterCommit(() => this.directory.changed());
  }

  @Serves(check)
  async check(@Called() { sql, params, caller, signal }: Call<typeof check>) {
    demandVisible(caller, params.id);
    const { problem, state, stateDetail } = await this.store.get(sql, params.id);
    const account = this.directory.account(params.id);
    if (problem || !account)
      return { ok: false, detail: problem ?? 'the account is not running here yet; try again in a moment' };
    // A second connection may be refused, or end the first.
    if (account.adapter.ingress.socket?.sends && (await sql.query(HELD, [`account:${account.id}`])).length > 0)
      return { ok: state === 'connected', detail: `The connection is held open; it is ${state}: ${stateDetail ?? ''}` };
    if (!account.adapter.check) return { ok: true, detail: 'this channel has no credentials to test' };
    return account.adapter.check(this.directory.adapterContext(account, { signal }));
  }

  private show(record: StoredAccount): z.output<typeof AccountRecord> {
    const { id, type, name, enabled, continuity, managedBy, state, stateDetail, stateLink, createdAt, updatedAt } =
      record;
    const webhook = this.directory.adapter(type)?.ingress.webhook;
    const secret = webhook?.guard === 'secret-path' ? '/{pathSecret}' : '';
    return {
      id,
      type,
      name,
      enabled,
      continuity,
      reopenWithin: record.reopenWithinS,
      config: this.store.masked(record),
      managedBy,
      state: record.problem ? 'degraded' : state,
      stateDetail: record.problem ?? stateDetail,
      loginCode: stateLink === null ? null : { content: stateLink, image: qrCode(stateLink) },
      callbackUrl: webhook ? `${this.options.publicUrl()}/channels/${id}${secret}` : null,
      createdAt,
      updatedAt,
    };
  }
}

const HELD = 'select 1 from lease where name = $1 and expires_at > clock_timestamp()';

function demandVisible(caller: Caller, id: string): void {
  if (!maySee(caller, id)) throw new NotFound(`there is no account ${id}`);
}
