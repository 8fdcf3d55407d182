// What a push says before its pack, and the request that says it.

import { encodePacket, FLUSH_PACKET } from './pkt-line.ts';
import { displayUrl } from './remote-url.ts';

/** What every server has understood for a decade: for a push that did not ask. */
export const ASSUMED_CAPABILITIES: ReadonlySet<string> = new Set(['report-status', 'side-band-64k']);

const NO_COMMIT = '0'.repeat(40);

/** `from`: what the remote's branch is at; null: it is not there yet. */
type Move = { branch: string; from: string | null; tip: string };

export function pushCommand({ branch, from, tip }: Move, wanted: readonly string[]): Buffer {
  const move = `${from ?? NO_COMMIT} ${tip} refs/heads/${branch}`;
  return Buffer.concat([encodePacket(`${move}\0 ${wanted.join(' ')}\n`), FLUSH_PACKET]);
}

/** The bytes with which the command begins whatever commit the branch moves to. */
export function beginOfCommand(move: Omit<Move, 'tip'>, wanted: readonly string[]): Buffer {
  const command = pushCommand({ ...move, tip: NO_COMMIT }, wanted);
  return command.subarray(0, command.indexOf(' ') + 1);
}

export function pushRequest(url: string) {
  return {
    method: 'POST' as const,
    url: `${displayUrl(url).replace(/\/+$/, '')}/git-receive-pack`,
    headers: {
      'content-type': 'application/x-git-receive-pack-request',
      accept: 'application/x-git-receive-pack-result',
    },
  };
}
