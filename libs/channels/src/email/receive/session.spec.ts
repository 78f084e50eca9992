import { afterEach, describe, expect, it } from '@jest/globals';
import { mail, ReaderStage } from '../testing/reader-stage.js';

let stage: ReaderStage;
afterEach(() => stage.close());

const until = (count: number) => stage.until(() => stage.stored.size >= count, `${count} mails`);

describe('a mailbox', () => {
  it('gives what comes from now on, at once, and leaves it as it is', async () => {
    stage = await ReaderStage.set({ imap: { pollS: 3_600 } });
    stage.imap.deliver(mail('before'));
    await stage.open();
    await stage.until(() => stage.imap.commands.includes('IDLE'), 'IDLE');
    stage.imap.deliver(mail('one'));
    await until(1);
    stage.imap.deliver(mail('two'));
    stage.imap.deliver(mail('three'));
    await until(3);
    expect(stage.subjects).toEqual(['one', 'two', 'three']);
    expect(stage.imap.inbox.letters.flatMap(({ flags }) => [...flags])).toEqual([]);
    expect(stage.imap.commands.filter((command) => /^(?:UID STORE|UID MOVE|SELECT)/.test(command))).toEqual([]);
  });

  it('is asked where the server has no IDLE, or refuses it', async () => {
    for (const server of [{ capabilities: ['IMAP4rev1', 'AUTH=PLAIN'] }, undefined]) {
      stage = await ReaderStage.set(server && { server });
      if (!server) stage.imap.whim = (command) => (command === 'IDLE' ? 'TAG NO not today\r\n' : undefined);
      await stage.open();
      stage.imap.deliver(mail('asked for'));
      await until(1);
      expect(stage.lost).toEqual([]);
      await stage.until(() => stage.standings.some(({ detail }) => detail.includes('no IDLE')), 'a word of it');
      if (server) await stage.close();
    }
  });

  it('is read on where it was, and twice not at all', async () => {
    stage = await ReaderStage.set();
    await stage.open();
    stage.imap.deliver(mail('one'));
    await until(1);
    await stage.shut();
    stage.imap.deliver(mail('meanwhile'));
    await stage.again();
    await until(2);
    expect(stage.given).toHaveLength(2);
  });

  it('is not passed over where nothing could be stored', async () => {
    stage = await ReaderStage.set();
    await stage.open();
    let failures = 2;
    stage.storing = async (events) => {
      if (events.length > 0 && failures-- > 0) throw new Error('the database is away');
    };
    stage.imap.deliver(mail('one'));
    await until(1);
    expect(failures).toBeLessThan(0);
    expect(stage.lost).toEqual([]);
  });

  it('that cannot be stored is told of, and that it can again', async () => {
    stage = await ReaderStage.set();
    await stage.open();
    let refuses = true;
    stage.storing = async (events) => {
      if (events.length > 0 && refuses)
        throw Object.assign(new Error('what the mail says'), { code: '22021', detail: 'what the mail says' });
    };
    stage.imap.deliver(mail('one'));
    await stage.until(() => stage.standings.length > 0, 'a word of it');
    expect(stage.standings).toEqual([
      { state: 'degraded', detail: expect.stringContaining('(22021)'), action: expect.any(String) },
    ]);
    expect(JSON.stringify(stage.standings)).not.toContain('what the mail says');
    refuses = false;
    await until(1);
    await stage.until(() => stage.standings.length > 1, 'the good news');
    expect(stage.standings.at(-1)).toEqual({ state: 'connected', detail: 'connected', action: null });
  });

  it('has several folders: each by its own place', async () => {
    stage = await ReaderStage.set({ imap: { folders: ['INBOX', 'Shop'] } });
    stage.imap.deliver(mail('old'), { folder: 'Shop' });
    await stage.open();
    stage.imap.deliver(mail('in the inbox'));
    stage.imap.deliver(mail('in the shop'), { folder: 'Shop' });
    await until(2);
    await stage.shut();
    stage.imap.deliver(mail('later'), { folder: 'Shop' });
    await stage.again();
    await until(3);
    expect(stage.subjects.sort()).toEqual(['in the inbox', 'in the shop', 'later']);
    expect(stage.given).toHaveLength(3);
  });

  it('tells of a folder that is not there, and reads the others', async () => {
    stage = await ReaderStage.set({ imap: { folders: ['INBOX', 'Gone'] } });
    await stage.open();
    stage.imap.deliver(mail('one'));
    await until(1);
    await stage.until(() => stage.standings.length > 0, 'a word of it');
    expect(stage.standings.at(-1)).toMatchObject({ state: 'degraded', detail: expect.stringContaining('"Gone"') });
    expect(stage.standings.at(-1)!.action).toContain('imap.folders');
  });

  it('without any of its folders is a matter of settings', async () => {
    stage = await ReaderStage.set({ imap: { folders: ['Gone'] } });
    await expect(stage.open()).rejects.toMatchObject({ code: 'config-invalid' });
  });

  it('is marked and moved once it is stored, where settings say so', async () => {
    stage = await ReaderStage.set({ imap: { markSeen: true, moveTo: 'Done' } });
    await stage.open();
    let free = (): void => undefined;
    const reached = new Promise<void>((storing) => {
      stage.storing = async (events) => {
        if (events.length > 0) await new Promise<void>((done) => ((free = done), storing()));
      };
    });
    const letter = stage.imap.deliver(mail('one'));
    await reached;
    expect(letter.flags.size).toBe(0);
    free();
    await stage.until(() => stage.imap.folders.get('Done')!.letters.length === 1, 'moving');
    expect(letter.flags.has('\\Seen')).toBe(true);
    expect(stage.imap.inbox.letters).toEqual([]);
  });

  it('is marked and moved at the next opening where the end came between', async () => {
    stage = await ReaderStage.set({ imap: { markSeen: true, moveTo: 'Done' } });
    stage.imap.whim = (command) => (command === 'UID STORE' ? 'drop' : undefined);
    await stage.open();
    stage.imap.deliver(mail('one'));
    await stage.until(() => stage.lost.length > 0, 'the loss');
    stage.imap.whim = () => undefined;
    await stage.again();
    await stage.until(() => stage.imap.folders.get('Done')!.letters.length === 1, 'moving');
    expect(stage.given).toHaveLength(1);
  });
});
