// Begins the request of the push that follows a commit while that is still being made, where a save is what it mostly
// is: a little on top of what the remote is known to have. Only saves time; a push that was not begun goes as well.

import type { ChosenRemote } from '../remote/remote-choice.ts';
import { displayUrl, sameRemote } from '../remote/remote-url.ts';
import type { FileChange } from '../types.ts';
import { whereItIs } from './follow-move.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { SyncWork } from './sync-work.ts';

/** More takes long to commit, and its upload is a stream: the host would wait. */
const MOST_FILES = 100;
const MOST_BYTES = 512 * 1024;

/** To be called when nothing is left to keep the changes from being committed. */
export function beginPush(
  work: SyncWork,
  chosen: ChosenRemote,
  changes: readonly FileChange[],
  { whyRefused }: Pick<SyncPorts, 'whyRefused'>,
): void {
  const { probe, engine, facts, github, signal } = work;
  const { branch, oid } = probe.head;
  const remote = whereItIs(facts, chosen);
  if (engine.openPush === undefined || oid === null || facts.remoteTips[branch] !== oid) return;
  if (!isUsual(work, chosen) || !isLittle(changes) || !/^https?:/.test(remote.url)) return;
  // Mostly remembered. Whatever it is, the push itself asks again, and tells it.
  const why = whyRefused?.({ url: remote.url, branch, github, signal }) ?? Promise.resolve(null);
  const isExpected = why.then((refused) => refused === null);
  engine.openPush({ remote, branch, from: oid, signal, isExpected });
}

/** The last sync brought everything there, and nothing is known that would keep this one from it. */
function isUsual({ github, facts, localOnly, askRemote }: SyncWork, { url }: ChosenRemote): boolean {
  if (localOnly || askRemote || facts.lastSafeAt === null) return false;
  // Where there are mirrors, each remote has its own time.
  if ((github.remotes ?? []).length > 0) return false;
  const primary = facts.remotes.find((remote) => remote.primary);
  if (primary?.state !== 'safe' || !sameRemote(primary.url, displayUrl(url))) return false;
  // What a rule keeps from its branch goes beside it.
  return (primary.asides ?? []).length === 0;
}

function isLittle(changes: readonly FileChange[]): boolean {
  if (changes.length > MOST_FILES) return false;
  const sizes = changes.map((change) => (change.kind === 'deleted' ? 0 : change.sizeBytes));
  return sizes.reduce((sum, size) => sum + size, 0) <= MOST_BYTES;
}
