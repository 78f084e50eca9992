import { afterEach, describe, expect, it } from '@jest/globals';
import { mail, ReaderStage } from '../testing/reader-stage.js';

let stage: ReaderStage;
afterEach(() => stage.close());

const until = (count: number) => stage.until(() => stage.stored.size >= count, `${count} mails`);
const lost = (count: number) => stage.until(() => stage.lost.length >= count, `loss ${count}`);
const hours = (count: number) => new Date(Date.now() - count * 3_600_000);

describe('a server that numbers its mail anew', () => {
  it('costs no mail and doubles none', async () => {
    stage = await ReaderStage.set();
    stage.imap.deliver(mail('from before'), { date: hours(50) });
    await stage.open();
    for (const about of ['one', 'two']) stage.imap.deliver(mail(about));
    await until(2);
    await stage.shut();
    stage.imap.deliver(mail('unread when it happened'));
    // Each number is that of another mail from now on.
    stage.imap.inbox.letters.shift();
    stage.imap.inbox.renumber(77);
    await stage.again();
    await until(3);
    stage.imap.deliver(mail('after'));
    await until(4);
    expect(stage.subjects).toEqual(['one', 'two', 'unread when it happened', 'after']);
  });

  it('costs no mail though one was dated in the future', async () => {
    stage = await ReaderStage.set();
    await stage.open();
    stage.imap.deliver(mail('from the future'), { date: hours(-365 * 24) });
    await until(1);
    await stage.shut();
    stage.imap.deliver(mail('unread when it happened'));
    stage.imap.inbox.renumber(77);
    await stage.again();
    stage.imap.deliver(mail('after'));
    await stage.until(() => stage.subjects.includes('after'), 'the last one');
    expect(stage.subjects).toEqual(['from the future', 'unread when it happened', 'after']);
  });

  it('floods nobody with old mail, though its dates are those of the day', async () => {
    stage = await ReaderStage.set();
    for (let i = 0; i < 30; i += 1) {
      const received = `Received: from a by b; ${hours(90 * 24)
        .toUTCString()
        .replace('GMT', '+0000')}`;
      stage.imap.deliver(mail(`old ${i}`).replace(/^Received:.*$/m, received), { date: hours(90 * 24) });
    }
    await stage.open();
    stage.imap.deliver(mail('one'));
    await until(1);
    await stage.shut();
    stage.imap.inbox.renumber(78, new Date());
    stage.imap.handedOut.length = 0;
    await stage.again();
    stage.imap.deliver(mail('two'));
    await until(2);
    expect(stage.subjects).toEqual(['one', 'two']);
    expect(stage.imap.handedOut).toHaveLength(2);
  });

  it.each(['UIDNEXT', 'HIGHESTMODSEQ'])('is found out by %s where it says the same UIDVALIDITY', async (what) => {
    stage = await ReaderStage.set();
    await stage.open();
    for (const about of ['one', 'two', 'three']) stage.imap.deliver(mail(about));
    await until(3);
    await stage.shut();
    const { inbox } = stage.imap;
    inbox.letters.splice(1, 2);
    inbox.next = 2;
    stage.imap.deliver(mail('under a number that was used'));
    if (what === 'HIGHESTMODSEQ') {
      for (const about of ['four', 'five']) stage.imap.deliver(mail(about));
      inbox.modseq = 5;
    }
    await stage.again();
    await stage.until(() => stage.subjects.includes('under a number that was used'), what);
  });
});

describe('a server that says too low a UIDNEXT', () => {
  it('is not taken for one that numbered anew: nothing is fetched again', async () => {
    stage = await ReaderStage.set();
    await stage.open();
    for (const about of ['one', 'two', 'three']) stage.imap.deliver(mail(about));
    await until(3);
    for (let opens = 0; opens < 2; opens += 1) {
      await stage.shut();
      stage.imap.inbox.next = 2;
      await stage.open();
    }
    stage.imap.inbox.next = 4;
    stage.imap.deliver(mail('four'));
    await until(4);
    expect(stage.imap.handedOut).toEqual([1, 2, 3, 4]);
  });
});

describe('a mail that cannot be fetched', () => {
  it('is fetched again where the connection ended in its middle', async () => {
    stage = await ReaderStage.set();
    await stage.open();
    await stage.shut();
    for (const about of ['one', 'two', 'three']) stage.imap.deliver(mail(about));
    stage.imap.inbox.letters[1]!.torn = 2;
    await stage.keep();
    await until(3);
    expect(stage.subjects).toEqual(['one', 'two', 'three']);
    expect(stage.given).toHaveLength(3);
  });

  it('holds up no other: it is told of, and its file can be asked for', async () => {
    stage = await ReaderStage.set();
    await stage.keep();
    stage.imap.deliver(mail('poison', { id: 'poison' })).torn = 1_000;
    stage.imap.deliver(mail('two'));
    await until(2);
    const [poison, next] = [...stage.stored.values()];
    expect(next).toMatchObject({ subject: 'two' });
    // Its header could be fetched.
    expect(poison).toMatchObject({
      subject: 'poison',
      parts: [{ type: 'unsupported' }, { type: 'media', state: 'pending', purpose: 'original' }],
    });
  });

  it('is told of without its header, where not even that is to be had', async () => {
    stage = await ReaderStage.set();
    stage.imap.whim = (command, said) =>
      command === 'UID FETCH' && /^1 .*BODY/.test(said) ? 'TAG NO [SERVERBUG] broken\r\n' : undefined;
    await stage.keep();
    stage.imap.deliver(mail('poison'));
    await until(1);
    stage.imap.deliver(mail('two'));
    await until(2);
    expect([...stage.stored.values()][0]).toMatchObject({
      dedupeKey: expect.stringMatching(/^unread:1:1:\d{13}:INBOX$/),
      sender: {
        handles: [{ scheme: 'mail-sender', scope: 'acc_mail', value: expect.stringContaining('unread:1:1:') }],
      },
      parts: [{ type: 'unsupported' }, { type: 'media', purpose: 'original' }],
    });
    expect(stage.subjects[1]).toBe('two');
  });

  it('is not taken for removed where the server lists it and hands nothing out', async () => {
    stage = await ReaderStage.set();
    stage.imap.whim = (command, said) => (/BODY\.PEEK\[/.test(said) ? 'TAG OK nothing\r\n' : undefined);
    await stage.keep();
    stage.imap.deliver(mail('one'));
    await lost(1);
    stage.imap.whim = () => undefined;
    await until(1);
    expect(stage.subjects).toEqual(['one']);
  });

  it('because somebody removed it meanwhile, is passed over', async () => {
    stage = await ReaderStage.set();
    stage.imap.whim = (_command, said) => {
      if (said.includes('BODY.PEEK[]'))
        stage.imap.inbox.letters = stage.imap.inbox.letters.filter(({ uid }) => uid !== 1);
      return undefined;
    };
    await stage.open();
    stage.imap.deliver(mail('removed'));
    await stage.until(() => stage.cursors.at(-1)?.includes('"uid":1') === true, 'the place behind it');
    stage.imap.deliver(mail('two'));
    await until(1);
    expect(stage.subjects).toEqual(['two']);
    expect(stage.lost).toEqual([]);
  });

  it('and is larger than may be, is read by its header', async () => {
    stage = await ReaderStage.set({ more: { maxBytes: 65_536 } });
    await stage.open();
    stage.imap.deliver(mail('large', { body: 'x'.repeat(70_000) }));
    stage.imap.deliver(mail('small'));
    await until(2);
    expect(stage.subjects).toEqual(['large', 'small']);
    expect(stage.imap.handedOut).toEqual([2]);
    expect([...stage.stored.values()][0]).toMatchObject({ parts: [{ type: 'unsupported' }] });
  });
});

describe('a server that', () => {
  it('gives one number to two mails, has both of them read', async () => {
    stage = await ReaderStage.set();
    await stage.open();
    await stage.shut();
    stage.imap.deliver(mail('one'));
    stage.imap.deliver(mail('its double')).uid = 1;
    stage.imap.deliver(mail('three'));
    await stage.again();
    await until(3);
    expect(stage.subjects.sort()).toEqual(['its double', 'one', 'three']);
  });

  it('swallows what it is told while it is idle, is left', async () => {
    stage = await ReaderStage.set();
    await stage.open();
    await stage.until(() => stage.imap.commands.includes('IDLE'), 'IDLE');
    stage.imap.whim = () => 'hang';
    await lost(1);
    expect(stage.lost[0]!.message).toMatch(/does not answer|did not answer/);
  });

  it('ends the connection, restarts, and is away for a while, is found again', async () => {
    stage = await ReaderStage.set();
    await stage.open();
    stage.imap.deliver(mail('one'));
    await until(1);
    stage.imap.cut();
    await lost(1);
    expect(stage.lost).toHaveLength(1);
    stage.imap.deliver(mail('meanwhile'));
    await stage.again();
    await until(2);
  });

  it('has a mailbox with gaps, is asked for no more than there is', async () => {
    stage = await ReaderStage.set();
    await stage.open();
    await stage.shut();
    stage.imap.inbox.next = 900_000_000;
    stage.imap.deliver(mail('far away'));
    stage.imap.inbox.next = 4_000_000_000;
    stage.imap.deliver(mail('further'));
    const before = stage.imap.commands.length;
    await stage.again();
    await until(2);
    expect(stage.subjects).toEqual(['far away', 'further']);
    expect(stage.imap.commands.length - before).toBeLessThan(60);
  });
});

describe('a mailbox of many mails', () => {
  it('is opened without fetching them, and from a day on with those that came since', async () => {
    stage = await ReaderStage.set({ imap: { since: new Date(hours(48)).toISOString().slice(0, 10) } });
    const raw = mail('old');
    for (let i = 0; i < 5_000; i += 1) stage.imap.inbox.add(raw, hours(24 * 30));
    for (let i = 0; i < 120; i += 1) stage.imap.deliver(mail(`new ${i}`), { date: hours(12) });
    stage.imap.inbox.add(mail('old, and moved here lately'), hours(24 * 30));
    await stage.open();
    await until(120);
    await stage.until(() => JSON.parse(stage.cursors.at(-1)!).INBOX.uid === 5_121, 'the end');
    expect(stage.subjects).toEqual(Array.from({ length: 120 }, (_, i) => `new ${i}`));
    expect(stage.imap.handedOut).toHaveLength(120);
    // Every page was committed with its place.
    expect(new Set(stage.cursors).size).toBeGreaterThan(10);
    expect(Math.max(...stage.cursors.map((cursor) => cursor.length))).toBeLessThan(1_000);
  });
});
