import { afterAll, expect, it, jest } from '@jest/globals';
import { describeOnServer } from '#helpdesk/testing';
import { stopEverything, until } from '../support/index.js';
import { mailServersMissing } from './mail-servers.js';
import { MailStage } from './mail-stage.js';

jest.setTimeout(1_800_000);

/** How many mails the mailbox holds: `MAILBOX=500000` for one of the largest that people have. */
const COUNT = Number(process.env['MAILBOX'] ?? 20_000);
const DAY_MS = 86_400_000;

describeOnServer(`a mailbox of ${COUNT} mails (Dovecot)`, mailServersMissing(), (title) => {
  let all: MailStage | undefined;
  afterAll(async () => {
    await all?.close();
    await stopEverything();
  });

  it(`${title}: is opened without fetching them, and from a day on brings what came since`, async () => {
    const since = new Date(Date.now() - 2 * DAY_MS).toISOString().slice(0, 10);
    all = await MailStage.set({
      imap: { since, timeoutMs: 120_000 },
      before: async (servers) => {
        await servers.deliver('a first one, so that there is a folder');
        await servers.stop('dovecot');
        await servers.fill(COUNT, new Date(Date.now() - 90 * DAY_MS));
        await servers.fill(60, new Date(Date.now() - DAY_MS), 'lately');
        await servers.dovecot();
      },
    });
    const { line, stage } = all;
    const count = () => stage.helpdesk.of('message.received').length;
    await until('what came lately', () => count() >= 60 || undefined, 600_000);
    await all.write('and a new one');
    await all.received('and a new one');
    const subjects = await all.stored();
    expect(subjects.filter((subject) => subject.startsWith('lately'))).toHaveLength(60);
    expect(subjects.filter((subject) => subject.startsWith('old'))).toEqual([]);
    // A line for each that is there, and not a word of what they say.
    expect(line.octets).toBeLessThan(130 * COUNT + 1_000_000);
    const memory = Number(/^process_resident_memory_bytes (\S+)/m.exec(await metrics(stage.gateway.url))?.[1]);
    expect(memory).toBeLessThan(600_000_000);
  });
});

async function metrics(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}
