// A WebSocket that only reads, for a thousand of them in one process: frames are looked at where they lie, for a library
// that makes a message of each takes more of the machine than the service that sends them. Answers pings.

import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';

const TEXT = 1;
const PING = 9;
const FINAL = 0x80;
const MASKED = 0x80;
/** A pong without a body, masked by zeros as clients must mask. */
const PONG = Buffer.from([FINAL | 10, MASKED, 0, 0, 0, 0]);

/** `take` is called with each text message, as a part of `bytes`. Messages are whole: the service splits none. */
export function openFeedSocket(
  url: string,
  take: (bytes: Buffer, from: number, to: number) => void,
): Promise<Socket> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
  };
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, agent: false });
    asked.once('error', reject);
    asked.once('response', ({ statusCode }) => reject(new Error(`The upgrade was answered ${statusCode}.`)));
    asked.once('upgrade', (_answer, socket: Socket, head: Buffer) => {
      let rest = readFrames(socket, head, take);
      socket.on('data', (chunk: Buffer) => {
        rest = readFrames(socket, rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), take);
      });
      resolve(socket);
    });
    asked.end();
  });
}

/** Answers what is left of a frame that has not come in full. */
function readFrames(
  socket: Socket,
  bytes: Buffer,
  take: (bytes: Buffer, from: number, to: number) => void,
): Buffer {
  for (let at = 0; ; ) {
    const frame = frameAt(bytes, at);
    if (frame === null) return bytes.subarray(at);
    if (frame.opcode === TEXT) take(bytes, frame.from, frame.to);
    else if (frame.opcode === PING) socket.write(PONG);
    at = frame.to;
  }
}

/** What a server sends is not masked. Null when it has not come in full. */
function frameAt(bytes: Buffer, at: number): { opcode: number; from: number; to: number } | null {
  if (bytes.length < at + 2) return null;
  const opcode = bytes.readUInt8(at) & 0x0f;
  const short = bytes.readUInt8(at + 1) & 0x7f;
  const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
  const from = at + 2 + wide;
  if (bytes.length < from) return null;
  const length = wide === 2 ? bytes.readUInt16BE(at + 2) : wide === 8 ? bytes.readUIntBE(at + 4, 6) : short;
  return bytes.length < from + length ? null : { opcode, from, to: from + length };
}
