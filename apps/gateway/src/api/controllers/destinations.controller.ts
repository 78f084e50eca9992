import { DestinationStore, type DestinationRecord as StoredDestination } from '#conversations';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Directory } from '../../directory/directory.js';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, paging, toPage } from '../core/page.js';
import { Serves } from '../core/serves.js';
import { API_OPTIONS, type ApiOptions } from '../options.js';
import { byId, health } from '../schemas/elements.js';
import { DestinationInput, DestinationPatch, DestinationRecord, RotatedSecret } from '../schemas/destination.js';

const tag = 'Destinations';
const read = 'destinations:read' as const;
const write = 'destinations:write' as const;

const list = endpoint({ method: 'GET', path: '/v1/destinations', scope: read, tag, summary: 'List destinations', query: z.strictObject(paging), status: 200, answer: pageOf(DestinationRecord) }); // prettier-ignore
const get = endpoint({ method: 'GET', path: '/v1/destinations/{id}', scope: read, tag, summary: 'Get a destination', params: byId, status: 200, answer: DestinationRecord }); // prettier-ignore
const create = endpoint({
  method: 'POST',
  path: '/v1/destinations',
  scope: write,
  tag,
  summary: 'Connect a ticket system',
  description: 'A webhook secret that is left out is made, and shown in this answer only (`config.secret`).',
  body: DestinationInput,
  status: 201,
  answer: DestinationRecord,
  problems: ['taken'],
  secretAnswer: true,
  examples: {
    body: {
      id: 'helpdesk',
      type: 'webhook',
      config: { url: 'https://helpdesk.example/hook' },
      filter: { events: ['message.*'] },
    },
  },
});
const patch = endpoint({
  method: 'PATCH',
  path: '/v1/destinations/{id}',
  scope: write,
  tag,
  summary: 'Change a destination',
  description:
    'One that the settings file manages is refused with `read-only`. Another secret rotates: the old one signs too for 24 hours.',
  params: byId,
  body: DestinationPatch,
  status: 200,
  answer: DestinationRecord,
  problems: ['read-only'],
});
const remove = endpoint({
  method: 'DELETE',
  path: '/v1/destinations/{id}',
  scope: write,
  tag,
  summary: 'Disconnect a ticket system',
  description: 'What was not delivered yet is forgotten.',
  params: byId,
  status: 204,
  problems: ['read-only'],
});
const check = endpoint({
  method: 'POST',
  path: '/v1/destinations/{id}/check',
  scope: write,
  tag,
  summary: 'Test the connection',
  description: 'The answer is 200 either way; `ok` says how it went.',
  params: byId,
  status: 200,
  answer: health,
  work: 'outside',
});
const rotate = endpoint({
  method: 'POST',
  path: '/v1/destinations/{id}/rotate-secret',
  scope: write,
  tag,
  summary: 'Make a new signing secret',
  description: 'For 24 hours each delivery carries a signature of each of the two.',
  params: byId,
  status: 200,
  answer: RotatedSecret,
  problems: ['read-only', 'not-supported'],
  secretAnswer: true,
});

@Controller()
export class DestinationsController {
  constructor(
    @Inject(DestinationStore) private readonly store: DestinationStore,
    @Inject(Directory) private readonly directory: Directory,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Serves(list)
  async list(@Called() { sql, query }: Call<typeof list>) {
    const after = fromCursor(query.cursor, z.tuple([z.string()]))?.[0] ?? '';
    const all = (await this.store.list(sql)).sort((a, b) => (a.id < b.id ? -1 : 1));
    const rows = all.filter(({ id }) => id > after).slice(0, query.limit + 1);
    return toPage(rows, query.limit, { place: (row) => [row.id], show: (row) => this.show(row, true) });
  }

  @Serves(get)
  async get(@Called() { sql, params }: Call<typeof get>) {
    return this.show(await this.store.get(sql, params.id), true);
  }

  @Serves(create)
  async create(@Called() { sql, body, afterCommit }: Call<typeof create>) {
    const destination = await this.store.create(sql, body);
    afterCommit(() => this.directory.changed());
    const shown = this.show(destination);
    const made = body.config.secret === undefined && destination.config.secret !== undefined;
    return made ? { ...shown, config: { ...shown.config, secret: destination.config.secret } } : shown;
  }

  @Serves(patch)
  async patch(@Called() { sql, params, body, afterCommit }: Call<typeof patch>) {
    const destination = await this.store.update(sql, params.id, body);
    afterCommit(() => this.directory.changed());
    return this.show(destination);
  }

  @Serves(remove)
  async remove(@Called() { sql, params, afterCommit }: Call<typeof remove>) {
    await this.store.remove(sql, params.id);
    afterCommit(() => this.directory.changed());
  }

  @Serves(check)
  async check(@Called() { sql, params, signal }: Call<typeof check>) {
    const stored = await this.store.get(sql, params.id);
    const problem = stored.problem ?? this.directory.brokenDestinations().get(params.id);
    const destination = this.directory.destination(params.id);
    if (problem || !destination)
      return { ok: false, detail: problem ?? 'the destination is not running here yet; try again in a moment' };
    if (!destination.connector.check) return { ok: true, detail: 'this connector has nothing to test' };
    return destination.connector.check(this.directory.connectorContext(destination, { signal, replay: false }));
  }

  @Serves(rotate)
  async rotate(@Called() { sql, params, afterCommit }: Call<typeof rotate>) {
    const { secret, ...destination } = await this.store.rotateSecret(sql, params.id);
    afterCommit(() => this.directory.changed());
    return { ...this.show(destination), secret };
  }

  /** `stored`: the settings are as they were found, and may not work; those that were just given do. */
  private show(record: StoredDestination, stored = false): z.output<typeof DestinationRecord> {
    const { id, type, name, filter, state, pausedReason, nextProbeAt, managedBy, createdAt, updatedAt } = record;
    const called = this.directory.connector(type)?.callback !== undefined;
    return {
      id,
      type,
      name,
      config: this.store.masked(record),
      filter: filter as z.output<typeof DestinationRecord>['filter'],
      state,
      pausedReason,
      nextProbeAt,
      managedBy,
      problem: record.problem ?? (stored ? this.directory.brokenDestinations().get(id) : null) ?? null,
      callbackUrl: called ? `${this.options.publicUrl()}/destinations/${id}/callback` : null,
      createdAt,
      updatedAt,
    };
  }
}
