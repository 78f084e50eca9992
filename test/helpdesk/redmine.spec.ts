import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { describeOnServer } from '#helpdesk/testing';
import { Ballast } from '../disk/ballast.js';
import { NEEDED, smallDisk } from '../disk/small-disk.js';
import { setStage, stopEverything, until, type Stage } from '../support/index.js';
import { ChatCustomer } from './customers.js';
import { RealRedmine, redmineMissing } from './real-redmine.js';

jest.setTimeout(240_000);

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const LARGE = Buffer.concat([PICTURE, Buffer.alloc(150_000, 'a picture ')]);
const MANUAL = Buffer.from('%PDF-1.4 the manual');
const CLOSED = 5;

const disk = redmineMissing() === undefined ? await smallDisk('200m') : null;

afterAll(stopEverything);

describeOnServer('a real Redmine', redmineMissing(), (title) =>
  describe(title, () => {
    let redmine: RealRedmine;
    let stage: Stage;
    let customer: ChatCustomer;

    beforeAll(async () => {
      redmine = await RealRedmine.start(disk ?? undefined);
      const config = { apiBase: redmine.url, apiKey: redmine.keys.gateway, project: 'support' };
      stage = await setStage({
        accounts: [{ id: 'web', type: 'webchat', name: 'Web chat', config: {} }],
        settings: { destinations: [{ id: 'redmine', type: 'redmine', config }] },
      });
      customer = await ChatCustomer.enter(stage.gateway.url);
    });
    afterAll(async () => {
      customer?.leave();
      await stage?.close();
      await redmine?.close();
    });

    const issue = async () => (await redmine.issues())[0]!;
    const notes = async () => (await issue()).journals.filter((one) => !one.private_notes).map((one) => one.notes);

    it('has what the gateway needs', async () => {
      const { body } = await stage.gateway.api.post('/v1/destinations/redmine/check', {});
      expect(body).toEqual({ ok: true, detail: 'Works as gateway, in the project support.' });
    });

    it('gets what a customer writes as an issue, with the picture, and what is known in a private note', async () => {
      await customer.writes('报表导不出来 <b>!', { name: '截图.png', content: PICTURE });
      const [made] = await until('the issue', async () => {
        const all = await redmine.issues();
        return all[0] && all[0].attachments.length > 0 && all[0].journals.length > 0 ? all : null;
      });
      expect(made!.description).toContain('报表导不出来 <b>!');
      expect(made!.journals[0]).toMatchObject({ private_notes: true, notes: expect.stringContaining('Web chat') });
      expect(await redmine.download(made!.attachments[0]!.content_url)).toEqual(PICTURE);
      await customer.writes('still not');
      await until('the note', async () => (await notes()).some((one) => one.includes('still not')));
      expect(await redmine.issues()).toHaveLength(1);
    });

    it('has its agents answered for: words, files and who wrote them, never what is private', async () => {
      const { id } = await issue();
      await redmine.change(id, { notes: 'this customer is difficult', private_notes: true });
      const token = await redmine.upload('手册.pdf', MANUAL);
      const uploads = [{ token, filename: '手册.pdf', content_type: 'application/pdf' }];
      await redmine.change(id, { notes: 'Please try again', uploads });
      const answer = await until('the answer', () => customer.answers[0], 60_000);
      expect(answer).toMatchObject({
        name: 'Lin Daiyu',
        parts: [
          { type: 'text', text: 'Please try again' },
          { type: 'media', name: '手册.pdf' },
        ],
      });
      const { url } = answer.parts[1] as { url: string };
      expect(Buffer.from(await (await fetch(url)).arrayBuffer())).toEqual(MANUAL);
      expect(customer.answers).toHaveLength(1);
    });

    it('has an agent heard who quotes, and nobody who may only add notes', async () => {
      const { id, description } = await issue();
      await redmine.change(id, { notes: 'Please pay to account 666' }, redmine.keys.customer);
      const quote = `Gate Way wrote:\n> ${description.trim().replace(/\r?\n/g, '\n> ')}\n\n`;
      await redmine.change(id, { notes: `${quote}We never ask for that` });
      await until('the answer', () => customer.answers.some(({ text }) => text === 'We never ask for that'), 60_000);
      expect(JSON.stringify(customer.frames)).not.toContain('666');
      const told = async () =>
        (await issue()).journals.some((one) => one.private_notes && /no?body who/.test(one.notes));
      await until('a note that says so', told, 60_000);
    });

    it('loses and doubles nothing while it is killed and started again', async () => {
      await redmine.stop();
      for (const n of [1, 2, 3]) await customer.writes(`while it was down ${n}`);
      await redmine.begin();
      await until(
        'all of it',
        async () => (await notes()).filter((one) => one.includes('while it was down')).length === 3,
        120_000,
      );
      const told = (await notes()).flatMap((one) => /while it was down (\d)/.exec(one)?.[1] ?? []);
      expect(told).toEqual(['1', '2', '3']);
    });

    (disk || process.env['CI'] === 'true' ? it : it.skip)(
      'loses and doubles nothing while its disk is full',
      async () => {
        if (!disk) throw new Error(`this user cannot mount a small disk, which takes ${NEEDED}`);
        const ballast = new Ballast(join(disk.folder, 'ballast'));
        const said = async () => (await notes()).flatMap((one) => /while it was full (\d)/.exec(one)?.[1] ?? []);
        for (const [n, left] of [0, 8_192, 65_536].entries()) {
          ballast.fill(left);
          await customer.writes(`while it was full ${2 * n + 1}`, { name: `${n}.png`, content: LARGE });
          await customer.writes(`while it was full ${2 * n + 2}`);
          await new Promise((later) => setTimeout(later, 3_000));
        }
        await until('a delivery to fail', async () =>
          (await stage.gateway.api.deliveries('redmine', 'pending')).some(({ failure }) => failure !== null),
        );
        ballast.remove();
        for (const what of ['pause', 'resume']) await stage.gateway.api.post(`/v1/destinations/redmine/${what}`);
        await until('all of it', async () => (await said()).length >= 6, 120_000);
        expect(await said()).toEqual(['1', '2', '3', '4', '5', '6']);
        const files = (await issue()).attachments.filter(({ filename }) => /^\d\.png$/.test(filename));
        expect(files.map(({ filename }) => filename)).toEqual(['0.png', '1.png', '2.png']);
        for (const { content_url } of files) expect(await redmine.download(content_url)).toEqual(LARGE);
        expect(await stage.gateway.api.deliveries('redmine', 'dead')).toEqual([]);
      },
    );

    it('closes and reopens conversations, and is closed and reopened by them', async () => {
      const { id } = await issue();
      const path = '/v1/conversations';
      const conversation = async () =>
        (await stage.gateway.api.get<{ items: { id: string; status: string }[] }>(path)).body.items[0]!;
      await redmine.change(id, { status_id: CLOSED });
      await until('the conversation to be closed', async () => (await conversation()).status === 'closed');
      await customer.writes('it is back');
      await until('the issue to be open', async () => (await issue()).status.name === 'New');
      await stage.gateway.api.patch(`${path}/${(await conversation()).id}`, { status: 'closed' });
      await until('the issue to be closed', async () => (await issue()).status.name === 'Closed');
      expect(await redmine.issues()).toHaveLength(1);
    });
  }),
);
