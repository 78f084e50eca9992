import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { STORE } from './testing/store.js';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { writePolicy } from '#conversations';
import { parseInbound, type Handle } from '#normalizer';
import { Stage } from './testing/stage.js';

describeOnEveryDatabase('identity by the API', (open) => {
  let database: Database;
  let stage: Stage;
  let count = 0;
  let mine: string;
  let theirs: string;

  beforeAll(async () => {
    database = await open(STORE);
    stage = await new Stage(database).open({ defaultCountry: 'CN' });
    await stage.account('sms');
    await stage.account('shop');
  });
  beforeEach(() => {
    count += 1;
    mine = `+8613811${String(count).padStart(6, '0')}`;
    theirs = `+8613822${String(count).padStart(6, '0')}`;
  });
  afterAll(async () => {
    await stage.close();
    await database.close();
  });

  const phone = (value: string, proof: Handle['proof'] = 'channel') => ({ scheme: 'phone', value, proof });
  const write = async (accountId: string, ...handles: { scheme: string; value: string; proof: Handle['proof'] }[]) => {
    const event = parseInbound({
      ...{ kind: 'message', dedupeKey: `k${Math.random()}`, thread: handles[0]!.value },
      ...{ sender: { handles }, parts: [{ type: 'text', text: 'hello' }] },
    });
    return (await stage.intake.accept(accountId, [event]))[0]!;
  };
  const conflictOf = async (...contacts: (string | null)[]) => {
    const { body } = await stage.get('/v1/conflicts?limit=200');
    return (body.items as { id: string; contactIds: string[] }[]).find(({ contactIds }) =>
      contacts.every((id) => contactIds.includes(id!)),
    );
  };
  const twoInConflict = async () => {
    await writePolicy(database, 'identity', { merge: 'never' });
    const [a, b] = [await write('sms', phone(mine)), await write('sms', phone(theirs))];
    await write('sms', phone(mine), phone(theirs));
    return { a, b, conflict: (await conflictOf(a.contactId, b.contactId))! };
  };

  it('joins two contacts and parts them again, each with its journal', async () => {
    const [a, b] = [await write('sms', phone(mine)), await write('sms', phone(theirs))];
    const merged = await stage.post(`/v1/contacts/${a.contactId}/merge`, { from: b.contactId, reason: 'she said so' });
    expect(merged).toMatchObject({
      status: 201,
      body: { survivorId: a.contactId, mergedId: b.contactId, reason: 'she said so', by: 'key:admin', undoneAt: null },
    });
    const gone = await stage.get(`/v1/contacts/${b.contactId}`);
    expect(gone).toMatchObject({ status: 404, body: { detail: expect.stringContaining(a.contactId!) } });
    expect((await stage.get(`/v1/contacts/${a.contactId}`)).body.handles).toHaveLength(2);
    expect((await stage.get(`/v1/conversations/${b.conversationId}`)).body.contactId).toBe(a.contactId);
    expect((await stage.post(`/v1/contacts/${a.contactId}/merge`, { from: b.contactId })).body.code).toBe('taken');

    const undone = await stage.post(`/v1/merges/${merged.body.id}/undo`);
    expect(undone).toMatchObject({ status: 200, body: { id: merged.body.id, undoneBy: 'key:admin' } });
    expect((await stage.post(`/v1/merges/${merged.body.id}/undo`)).body.code).toBe('in-use');
    expect((await stage.get(`/v1/contacts/${b.contactId}`)).body.handles).toEqual([{ scope: '', ...phone(theirs) }]);
    const { body } = await stage.get(`/v1/contacts/${b.contactId}/journal`);
    expect(body.items.map(({ type, by }: { type: string; by: string }) => [type, by])).toEqual([
      ...[
        ['handle', 'account:sms'],
        ['merged', 'key:admin'],
        ['unmerged', 'key:admin'],
      ],
    ]);
    const first = await stage.get(`/v1/contacts/${b.contactId}/journal?limit=1`);
    const rest = await stage.get(`/v1/contacts/${b.contactId}/journal?cursor=${first.body.next}`);
    expect([...first.body.items, ...rest.body.items]).toEqual(body.items);
  });

  it('says what is wrong with a merge that cannot be', async () => {
    const a = await write('sms', phone(mine));
    expect((await stage.post(`/v1/contacts/${a.contactId}/merge`, { from: 'con_none' })).status).toBe(404);
    expect((await stage.post(`/v1/contacts/con_none/merge`, { from: a.contactId })).status).toBe(404);
    expect((await stage.post(`/v1/contacts/${a.contactId}/merge`, { from: a.contactId })).body.code).toBe('taken');
    expect((await stage.post(`/v1/contacts/${a.contactId}/merge`, {})).body.code).toBe('invalid');
    expect((await stage.post('/v1/merges/mrg_none/undo')).status).toBe(404);
  });

  it('suggests whoever claims the same, joins nobody and moves nothing', async () => {
    const [a, b] = [await write('sms', phone(mine)), await write('shop', phone(theirs), phone(mine, 'claimed'))];
    expect(b.contactId).not.toBe(a.contactId);
    const { body } = await stage.get(`/v1/contacts/${b.contactId}/suggestions`);
    expect(body.items).toEqual([
      expect.objectContaining({
        contact: expect.objectContaining({ id: a.contactId }),
        handles: [{ scope: '', ...phone(mine, 'claimed'), theirs: 'channel' }],
      }),
    ]);
    expect((await stage.get(`/v1/contacts/${a.contactId}/suggestions`)).body.items[0].contact.id).toBe(b.contactId);
    expect((await stage.get(`/v1/conversations/${b.conversationId}`)).body.contactId).toBe(b.contactId);
    expect(
      (await stage.get(`/v1/contacts?handle=phone:${encodeURIComponent(mine)}`)).body.items
        .map(({ id }: { id: string }) => id)
        .sort(),
    ).toEqual([a.contactId, b.contactId].sort());
  });

  it('queues a conflict with both sides, and merges them when somebody says so', async () => {
    const { a, b, conflict } = await twoInConflict();
    expect(conflict).toMatchObject({
      handle: phone(theirs),
      contacts: [a.contactId, b.contactId].sort().map((id) => ({ id })),
      resolution: null,
    });
    expect(
      (await stage.post(`/v1/conflicts/${conflict.id}/resolve`, { action: 'merge', into: 'con_other' })).body.errors[0]
        .path,
    ).toBe('into');
    const { status, body } = await stage.post(`/v1/conflicts/${conflict.id}/resolve`, {
      action: 'merge',
      into: b.contactId,
    });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { resolution: 'merged', resolvedBy: 'key:admin', contacts: [{ id: b.contactId }] },
    });
    expect(await conflictOf(a.contactId)).toBeUndefined();
    expect(
      (await stage.get('/v1/conflicts?state=resolved&limit=200')).body.items.map(({ id }: { id: string }) => id),
    ).toContain(conflict.id);
    expect((await stage.post(`/v1/conflicts/${conflict.id}/resolve`, { action: 'keep' })).body.code).toBe('in-use');
    expect((await stage.post('/v1/conflicts/cfl_none/resolve', { action: 'keep' })).status).toBe(404);
  });

  it('does not ask again whom a person has kept apart', async () => {
    const { a, b, conflict } = await twoInConflict();
    await stage.post(`/v1/conflicts/${conflict.id}/resolve`, { action: 'keep' });
    await write('sms', phone(mine), phone(theirs, 'verified'));
    expect(await conflictOf(a.contactId, b.contactId)).toBeUndefined();
    expect((await stage.get(`/v1/contacts/${a.contactId}/suggestions`)).body.items).toEqual([]);
  });

  it('gives a handle to its new owner', async () => {
    const { a, b, conflict } = await twoInConflict();
    await stage.post(`/v1/conflicts/${conflict.id}/resolve`, { action: 'move', to: a.contactId });
    expect((await stage.get(`/v1/contacts/${a.contactId}/handles`)).body.items).toEqual([
      expect.objectContaining({ value: mine, source: 'account:sms' }),
      expect.objectContaining({ value: theirs, source: 'key:admin', provenAt: expect.any(String) }),
    ]);
    expect((await stage.get(`/v1/contacts/${b.contactId}/handles`)).body.items).toEqual([]);
    expect((await write('sms', phone(theirs))).contactId).toBe(a.contactId);
  });

  it('keeps in the journal what a handle was before it was raised, moved, or removed, and who did that', async () => {
    const { a, b, conflict } = await twoInConflict();
    await stage.post(`/v1/conflicts/${conflict.id}/resolve`, { action: 'move', to: a.contactId });
    await stage.post(`/v1/contacts/${a.contactId}/handles`, phone(mine, 'verified'));
    await stage.delete(`/v1/contacts/${a.contactId}/handles/${encodeURIComponent(`phone:${theirs}`)}`);
    const journal = async (id: string | null) =>
      (await stage.get(`/v1/contacts/${id}/journal`)).body.items
        .filter(({ type }: { type: string }) => ['handle', 'raised', 'moved', 'removed'].includes(type))
        .map(({ type, by, handle }: { type: string; by: string; handle: Handle }) => [
          ...[type, by, handle.value, handle.proof],
        ]);
    const mineOf = [
      ['handle', 'account:sms', mine, 'channel'],
      ['handle', 'key:admin', theirs, 'channel'],
      ['raised', 'key:admin', mine, 'verified'],
      ['removed', 'key:admin', theirs, 'channel'],
    ];
    expect(await journal(a.contactId)).toEqual(mineOf);
    expect(await journal(b.contactId)).toEqual([
      ['handle', 'account:sms', theirs, 'channel'],
      ['moved', 'key:admin', theirs, 'channel'],
    ]);
    const c = await write('sms', phone(`${mine}9`));
    const { body } = await stage.post(`/v1/contacts/${c.contactId}/merge`, { from: a.contactId });
    expect(await journal(c.contactId)).toEqual([
      ...[mineOf[0], mineOf[2], ['handle', 'account:sms', `${mine}9`, 'channel']],
    ]);
    expect(await journal(a.contactId)).toEqual(mineOf);
    await stage.post(`/v1/merges/${body.id}/undo`);
    expect(await journal(a.contactId)).toEqual(mineOf);
  });

  it('takes a phone number in any spelling as one handle', async () => {
    const a = await write('sms', phone(mine));
    const national = mine.slice(3);
    for (const spelling of [
      `${national.slice(0, 3)} ${national.slice(3, 7)}-${national.slice(7)}`,
      `0086${national}`,
      `tel:+86-${national}`,
      mine.replace(/\d/g, (d) => String.fromCodePoint(0xff10 + Number(d))),
    ]) {
      const found = await stage.get(`/v1/contacts?handle=${encodeURIComponent(`phone:${spelling}`)}`);
      expect(found.body.items.map(({ id }: { id: string }) => id)).toEqual([a.contactId]);
    }
    const refused = await stage.post('/v1/contacts', { handles: [{ scheme: 'phone', value: national }] });
    expect(refused).toMatchObject({ status: 409, body: { code: 'taken' } });
  });

  it('stores what a blocked person writes, forwards none of it, and goes on when unblocked', async () => {
    const a = await write('sms', phone(mine));
    const told = async () =>
      (
        await database.query<{ type: string }>('select type from event where contact_id = $1 and type like $2', [
          a.contactId,
          'message.%',
        ])
      ).length;
    const before = await told();
    await stage.patch(`/v1/contacts/${a.contactId}`, { blocked: true });
    const silent = [await write('sms', phone(mine)), await write('sms', phone(mine))];
    expect(await told()).toBe(before);
    expect((await stage.get(`/v1/messages/${silent[1]!.id}`)).status).toBe(200);
    await stage.patch(`/v1/contacts/${a.contactId}`, { blocked: false });
    await write('sms', phone(mine));
    expect(await told()).toBe(before + 1);
    const sequences = await database.query<{ sequence: number }>(
      'select sequence from event where conversation_id = $1 order by position',
      [a.conversationId],
    );
    expect(sequences.map(({ sequence }) => sequence)).toEqual(sequences.map((_, index) => index + 1));
  });

  it('stays blocked through a merge, and its other side is free again after undoing', async () => {
    await writePolicy(database, 'identity', { merge: 'channel' });
    const [a, b] = [await write('sms', phone(mine)), await write('sms', phone(theirs))];
    await stage.patch(`/v1/contacts/${b.contactId}`, { blocked: true });
    const merged = await stage.post(`/v1/contacts/${a.contactId}/merge`, { from: b.contactId });
    expect((await stage.get(`/v1/contacts/${a.contactId}`)).body.blocked).toBe(true);
    await stage.post(`/v1/merges/${merged.body.id}/undo`);
    expect((await stage.get(`/v1/contacts/${a.contactId}`)).body.blocked).toBe(false);
    expect((await stage.get(`/v1/contacts/${b.contactId}`)).body.blocked).toBe(true);
  });

  it('leaves alone what a person decided of being blocked since the merge', async () => {
    const [a, b] = [await write('sms', phone(mine)), await write('sms', phone(theirs))];
    await stage.patch(`/v1/contacts/${b.contactId}`, { blocked: true });
    const merged = await stage.post(`/v1/contacts/${a.contactId}/merge`, { from: b.contactId });
    await stage.patch(`/v1/contacts/${a.contactId}`, { blocked: false });
    await stage.patch(`/v1/contacts/${a.contactId}`, { blocked: true });
    await stage.post(`/v1/merges/${merged.body.id}/undo`);
    expect((await stage.get(`/v1/contacts/${a.contactId}`)).body.blocked).toBe(true);
  });

  it('answers every caller, however many merge at once while messages arrive', async () => {
    await writePolicy(database, 'identity', { merge: 'channel' });
    const people = await Promise.all(
      Array.from({ length: 12 }, (_, n) => write('sms', phone(`${mine.slice(0, -2)}${n + 20}`))),
    );
    const answers = await Promise.all(
      people.slice(1).map(async ({ contactId }, n) => {
        void write('sms', phone(`${mine.slice(0, -2)}${n + 20}`), phone(`${mine.slice(0, -2)}${n + 21}`)).catch(
          () => undefined,
        );
        return (await stage.post(`/v1/contacts/${people[0]!.contactId}/merge`, { from: contactId })).status;
      }),
    );
    expect(answers.filter((status) => status !== 201 && status !== 409)).toEqual([]);
  });

  it('shows nothing of it to a key of other accounts', async () => {
    const { a, conflict } = await twoInConflict();
    const key = await stage.key(['contacts:read'], ['shop']);
    for (const path of [
      `/v1/contacts/${a.contactId}/handles`,
      `/v1/contacts/${a.contactId}/journal`,
      `/v1/contacts/${a.contactId}/suggestions`,
      '/v1/conflicts',
      '/v1/merges/mrg_1',
    ])
      expect([403, 404]).toContain((await stage.get(path, { key })).status);
    expect((await stage.post(`/v1/conflicts/${conflict.id}/resolve`, { action: 'keep' }, { key })).status).toBe(403);
  });
});
