// Callers that flood or say nothing, over real connections: each is ended by itself and the others are answered.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createManualClock } from '../support/manual-clock.ts';
import { createFixture, type Fixture } from './api-fixture.ts';
import { idsOf, listen, publishNotices, until } from './feed-client.ts';

let api: Fixture;
let server: Awaited<ReturnType<typeof listen>>;
beforeEach(async () => {
  api = await createFixture();
  server = await listen(api);
});
afterEach(async () => {
  await api.closeFeeds();
  await server.close();
  await api.close();
});

const stillAnswers = async () => expect((await fetch(`${server.url}/health`)).status).toBe(200);

/** What came back on the connection so far, and whether it has ended. */
function dial(port = server.port) {
  const socket: Socket = connect(port, '127.0.0.1');
  const line = { socket, received: '', ended: false };
  socket.on('data', (bytes) => {
    line.received += String(bytes);
  });
  socket.on('close', () => {
    line.ended = true;
  });
  // Being cut off is what is expected.
  socket.on('error', () => {});
  return line;
}

const HEAD = `POST /api/sync/trigger HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`;

test('a body that is larger than it may be is refused before all of it was sent', async () => {
  const large = dial();
  large.socket.write(`${HEAD}Content-Length: 2000000000\r\n\r\n{`);
  await until(() => large.received.includes(' 413 '));
  large.socket.destroy();
  await stillAnswers();
});

test('a body that never ends is given up after its time, and so is its connection', async () => {
  const clock = createManualClock();
  const patient = await createFixture({ clock });
  const { port, close } = await patient.host.listen(patient.app, { hostname: '127.0.0.1', port: 0 });
  patient.access.port = () => port;
  const slow = dial(port);
  slow.socket.write(`${HEAD}Content-Length: 100\r\n\r\n{`);
  await until(() => clock.waiting(30_000) === 1);
  slow.socket.write('"imm');
  await clock.advance(30_000);
  await until(() => slow.received.includes(' 408 ') && slow.received.includes('body-too-slow'));
  // Deno keeps it until the peer leaves: see its `listen`.
  if (!('Deno' in globalThis)) await until(() => slow.ended);
  slow.socket.destroy();
  expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
  await patient.closeFeeds();
  await close(1_000);
  await patient.close();
});

test('too many or too large headers are refused, and the connection ends', async () => {
  for (const headers of [
    `X-Large: ${'x'.repeat(200_000)}\r\n`,
    Array.from({ length: 20_000 }, (_, n) => `X-${n}: ${n}\r\n`).join(''),
  ]) {
    const flood = dial();
    flood.socket.write(`GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`);
    await until(() => flood.ended || /HTTP\/1\.1 4\d\d/.test(flood.received));
    expect(flood.received).not.toContain('200 OK');
    flood.socket.destroy();
  }
  await stillAnswers();
});

test('connections that say nothing do not keep others from being answered', async () => {
  const silent = Array.from({ length: 300 }, () => dial());
  await Promise.all(silent.map(({ socket }) => once(socket, 'connect')));
  await stillAnswers();
  for (const { socket } of silent) socket.destroy();
});

test('what is no HTTP is ended', async () => {
  const garbage = dial();
  garbage.socket.write('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n');
  await until(() => garbage.ended || garbage.received.includes(' 400 '));
  garbage.socket.destroy();
  await stillAnswers();
});

test('a listener that talks and talks is ignored, and still told everything', async () => {
  const talker = await server.connect();
  const other = await server.connect();
  await until(() => api.bus.listeners() === 2);
  for (let n = 0; n < 5_000; n += 1) talker.socket.send('x'.repeat(500));
  const ids = await publishNotices(api, 20);
  for (const feed of [talker, other]) {
    await until(() => idsOf(feed.messages).length === ids.length);
    expect(idsOf(feed.messages)).toEqual(ids);
  }
});

test('a listener that sends one huge message is cut off, alone', async () => {
  const shouter = await server.connect();
  const other = await server.connect();
  await until(() => api.bus.listeners() === 2);
  shouter.socket.send('x'.repeat(1_000_000));
  expect((await until(() => shouter.closed)).code).toBe(1009);
  const ids = await publishNotices(api, 3);
  await until(() => idsOf(other.messages).length === ids.length);
  expect(other.closed).toBeNull();
});
