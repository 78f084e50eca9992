// Pigeon Post: the invented provider of the guides, with callbacks, updates, and a line. README.md beside this file is its documentation.
import { createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createLine } from 'node:net';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const PHOTO = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const PER_SECOND = 5;

/** The header that Pigeon signs a body with. */
export function pigeonSignature(secret, body, seconds = Math.floor(Date.now() / 1_000)) {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')}`;
}

/** A provider on loopback. `callback`: where it posts what happens; without one it is asked, or holds a line. */
export class Pigeon {
  /** What was sent, one entry for each key. */
  sent = [];
  updates = [];
  callback;
  #answers = new Map();
  #times = [];
  #lines = new Set();
  #refusals = [];

  constructor({ key = `key-${randomBytes(8).toString('hex')}`, secret = randomBytes(16).toString('hex') } = {}) {
    Object.assign(this, { key, secret });
    this.server = createServer((request, response) => void this.#serve(request, response));
    this.line = createLine((socket) => this.#hold(socket));
  }

  async start(port = 0, linePort = 0) {
    await new Promise((done) => this.server.listen(port, '127.0.0.1', done));
    await new Promise((done) => this.line.listen(linePort, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    this.linePort = this.line.address().port;
    return this;
  }

  async close() {
    for (const { socket } of this.#lines) socket.destroy();
    this.server.closeAllConnections();
    await Promise.all([this.server, this.line].map((one) => new Promise((done) => one.close(done))));
  }

  /** The next message is refused with this code. */
  refuse(code, more = {}) {
    this.#refusals.push({ ok: false, code, reason: `it is refused: ${code}`, ...more });
  }

  /** Somebody writes, or something became of a message. Resolves with the status that the callback was answered, null where there is none. */
  async tell(update) {
    const numbered = { id: `u-${this.updates.length + 1}`, at: new Date().toISOString(), ...update };
    this.updates.push(numbered);
    for (const line of this.#lines) line.say(numbered, this.updates.length);
    return this.callback ? this.post(numbered) : null;
  }

  /** Posts something to the callback, signed. */
  async post(content) {
    const body = JSON.stringify(content);
    const headers = { 'content-type': 'application/json', 'pigeon-signature': pigeonSignature(this.secret, body) };
    return (await fetch(this.callback, { method: 'POST', headers, body })).status;
  }

  async #serve(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { pathname, searchParams } = new URL(request.url, this.url);
    const [status, answer, headers = {}] = this.#known(request)
      ? this.#answer(`${request.method} ${pathname}`, { searchParams, body: Buffer.concat(chunks) })
      : [401, { ok: false }];
    const type = Buffer.isBuffer(answer) ? 'image/png' : 'application/json';
    response
      .writeHead(status, { 'content-type': type, ...headers })
      .end(type === 'image/png' ? answer : JSON.stringify(answer));
  }

  #known(request) {
    return request.headers.authorization === `Bearer ${this.key}`;
  }

  #answer(what, { searchParams, body }) {
    if (what === 'GET /v1/account') return [200, { ok: true, name: 'Pigeon Post' }];
    if (what === 'GET /v1/updates') return [200, this.#page(Number(searchParams.get('after') ?? 0))];
    if (what.startsWith('GET /v1/photos/')) return what.endsWith('gone') ? [404, { ok: false }] : [200, PHOTO];
    return what === 'POST /v1/messages' ? this.#take(body.toString()) : [404, { ok: false }];
  }

  #page(after) {
    const updates = this.updates.slice(after, after + 100);
    return { ok: true, updates, last: after + updates.length, more: after + updates.length < this.updates.length };
  }

  #take(text) {
    const now = Date.now();
    this.#times = this.#times.filter((at) => now - at < 1_000);
    if (this.#times.length >= PER_SECOND) return [429, { ok: false }, { 'retry-after': '1' }];
    this.#times.push(now);
    const message = JSON.parse(text);
    const known = this.#answers.get(message.key);
    if (known) return [200, known];
    const refusal = this.#refusals.shift();
    if (refusal) return [200, refusal];
    if ([...(message.text ?? '')].length > 1_000)
      return [200, { ok: false, code: 'too-heavy', reason: 'it is too long' }];
    const answer = { ok: true, id: `p-${this.sent.push(message)}` };
    this.#answers.set(message.key, answer);
    return [200, answer];
  }

  #hold(socket) {
    const say = (content) => socket.write(`${JSON.stringify(content)}\n`);
    const line = { socket, say: (update, n) => say({ n, update }) };
    const acknowledged = (this.acknowledged ??= new Set());
    socket.on('error', () => undefined).once('close', () => this.#lines.delete(line));
    createInterface({ input: socket }).on('line', (text) => {
      const { hello, ack, nak, n, send, ping } = JSON.parse(text);
      if (ping) say({ pong: true });
      if (hello !== undefined && hello !== this.key)
        return void socket.end(`${JSON.stringify({ ok: false, status: 401 })}\n`);
      if (ack !== undefined) acknowledged.add(ack);
      if (nak !== undefined) setTimeout(() => line.say(this.updates[nak - 1], nak), 1_000).unref();
      if (send) {
        const [status, answer, headers] = this.#take(JSON.stringify(send));
        say({ n, status, answer, ...(headers && { wait: 1 }) });
      }
      if (hello === undefined) return;
      say({ ok: true });
      this.#lines.add(line);
      this.updates.forEach((update, i) => acknowledged.has(i + 1) || line.say(update, i + 1));
    });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [callback] = process.argv.slice(2);
  const pigeon = await new Pigeon().start();
  pigeon.callback = callback;
  process.stdout.write(`
Pigeon Post   ${pigeon.url}, its line on port ${pigeon.linePort}
key           ${pigeon.key}
secret        ${pigeon.secret}

Write something, and it comes from the loft grey-7.

`);
  createInterface({ input: process.stdin }).on('line', async (text) => {
    const from = { loft: 'grey-7', name: 'Ada' };
    const status = await pigeon.tell({ type: 'message', from, message: `m-${pigeon.updates.length + 1}`, text });
    process.stdout.write(status === null ? 'kept for whoever asks\n' : `the callback answered ${status}\n`);
  });
}
