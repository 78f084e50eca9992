import { parentPort } from 'node:worker_threads';
import { MailDecoder } from './charset.js';
import type { Answer, Task } from './thread.js';

globalThis.TextDecoder = MailDecoder as typeof TextDecoder;
const { openFile, understand } = await import('./understand.js');

const port = parentPort!;
port.on('message', (task: Task) => void run(task));
port.postMessage('ready');

async function run({ source, request }: Task): Promise<void> {
  try {
    const value = await (request.task === 'read' ? understand(source, request) : openFile(source, request.index));
    const content = value !== undefined && 'content' in value ? [value.content.buffer as ArrayBuffer] : [];
    port.postMessage({ value } satisfies Answer, content);
  } catch (error) {
    port.postMessage({ failed: error instanceof Error ? error.message : String(error) } satisfies Answer);
  }
}
