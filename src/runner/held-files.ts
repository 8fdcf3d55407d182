// What a sync means for held files: since when they are held, what the feed says, which releases are used up. Pure.

import type { NewEvent } from '../events/types.ts';
import type { SyncAnswer } from '../git/sync/sync-work.ts';
import { fingerprintOf } from '../model/held-file.ts';
import type { ProjectId } from '../model/ids.ts';
import { type HeldFile, NO_RELEASES, type Releases } from '../model/project.ts';

/** `now` is epoch milliseconds. A path that was held before keeps its instant, whatever its content became. */
export function withSince(before: readonly HeldFile[], after: readonly HeldFile[], now: number): HeldFile[] {
  const known = new Map(before.map((file) => [file.path, file.since]));
  return after.map((file) => {
    const since = known.has(file.path) ? known.get(file.path) : now;
    return since === undefined ? file : { ...file, since };
  });
}

/** `file.held` and `file.released`, by path. */
export function heldEvents(
  projectId: ProjectId,
  before: readonly HeldFile[],
  after: readonly HeldFile[],
): NewEvent[] {
  const was = new Set(before.map((file) => file.path));
  const is = new Set(after.map((file) => file.path));
  const held = after.filter((file) => !was.has(file.path));
  const released = before.filter((file) => !is.has(file.path));
  return [
    ...held.map((file): NewEvent => ({ type: 'file.held', projectId, data: heldData(file) })),
    ...released.map((file): NewEvent => ({ type: 'file.released', projectId, data: { path: file.path } })),
  ];
}

function heldData(file: HeldFile): Record<string, unknown> {
  const { oid, since, ...data } = file;
  return { ...data, fingerprint: fingerprintOf(file) };
}

/**
 * A release is good until everything is on the remote: before that its content may have to pass again, in a commit
 * that was not pushed yet. A confirmed deletion has done its work as soon as anything was committed.
 */
export function usedReleases(given: Releases, { outcome, stats }: SyncAnswer): Releases {
  if (outcome.kind === 'done') return given;
  return stats.commit === null ? NO_RELEASES : { files: [], deletions: given.deletions };
}
