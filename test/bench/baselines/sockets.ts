// A bare `ws` server that greets as the chat does, and does nothing else.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const server = createServer();
const sockets = new WebSocketServer({ server, path: '/chat', perMessageDeflate: false });
sockets.on('connection', (socket) => {
  socket.on('message', () => {
    socket.send(JSON.stringify({ type: 'welcome', session: 'none', reconnect: { minMs: 200, maxMs: 1_000 } }));
    socket.send(JSON.stringify({ type: 'caught-up', last: 0 }));
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
