// Reads what git-receive-pack answers to a push: the report, and the text for people beside it.
// Does not judge what a refusal means.

import { Failure } from '../../model/failure.ts';
import { readPackets } from './pkt-line.ts';

export type PushReport = {
  /** `ok`, or why the pack was not taken. */
  unpack: string;
  /** Null for a ref that was updated, else the reason why not. */
  refs: ReadonlyMap<string, string | null>;
  /** What the remote wrote for people. */
  messages: string;
};

const LONGEST_MESSAGES = 64 * 1024;

/**
 * Reads the whole answer. `sideBand` says whether side-band-64k was asked for.
 * @throws Failure `remote-invalid-answer` when the answer is none, or ends early
 */
export async function readPushReport(
  body: AsyncIterable<Uint8Array>,
  sideBand: boolean,
): Promise<PushReport> {
  const packets = readPackets(body);
  if (!sideBand) return { ...(await parseReport(packets)), messages: '' };
  const report: Buffer[] = [];
  let messages = '';
  for await (const packet of packets) {
    if (packet === null) continue;
    const error = errorText(packet);
    if (error !== null) return refusedWhole(error);
    const [band] = packet;
    if (band === 1) report.push(packet.subarray(1));
    else if (band === 2) messages = append(messages, packet.subarray(1));
    else if (band === 3) return refusedWhole(append(messages, packet.subarray(1)));
    else throw new Failure('remote-invalid-answer', `The answer to the push has an unknown band ${band}.`);
  }
  return { ...(await parseReport(readPackets(report))), messages };
}

async function parseReport(
  packets: AsyncIterable<Buffer | null>,
): Promise<Pick<PushReport, 'unpack' | 'refs'>> {
  const refs = new Map<string, string | null>();
  let unpack: string | null = null;
  let ended = false;
  for await (const packet of packets) {
    if (packet === null) {
      ended = true;
      break;
    }
    unpack ??= errorText(packet);
    const [word, name = '', ...rest] = packet.toString('utf8').replace(/\n$/, '').split(' ');
    if (word === 'unpack') unpack = [name, ...rest].join(' ');
    if (word === 'ok') refs.set(name, null);
    if (word === 'ng') refs.set(name, rest.join(' ') || 'no reason given');
  }
  if (unpack === null || !ended)
    throw new Failure('remote-invalid-answer', 'The report of the push is incomplete.');
  return { unpack, refs };
}

const refusedWhole = (messages: string): PushReport => ({ unpack: 'refused', refs: new Map(), messages });

/** The text of a packet by which a server refuses the whole conversation, or null. */
function errorText(packet: Buffer): string | null {
  return packet.toString('latin1', 0, 4) === 'ERR ' ? packet.toString('utf8', 4) : null;
}

/** Servers keep the connection alive with NUL bytes in the messages. */
function append(messages: string, bytes: Buffer): string {
  if (messages.length > LONGEST_MESSAGES) return messages;
  return messages + bytes.toString('utf8').replaceAll('\0', '');
}
