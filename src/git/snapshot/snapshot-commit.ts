// What a snapshot is in git: an ordinary commit whose trailers say that it is one, of which branch, taken where.
// Pure: bytes in, bytes out.

import { Failure } from '../../model/failure.ts';
import { type CommitTime, signature } from '../objects/commit-object.ts';
import { parseCommit } from '../objects/object-format.ts';
import type { Identity } from '../types.ts';

/** A point in time. `at` is epoch milliseconds (whole seconds); `head` is the commit it was taken on, null if none. */
export type Snapshot = {
  readonly id: string;
  readonly at: number;
  /** The branch whose work it holds; `detached-<12 hex>` for a detached HEAD. */
  readonly branch: string;
  readonly machine: string;
  /** Files that differ from the snapshot before, or for the first one from its HEAD. */
  readonly filesChanged: number;
  readonly head: string | null;
  readonly tree: string;
  readonly parents: readonly string[];
};

const TRAILERS = { branch: 'Gitferry-Snapshot', head: 'Gitferry-Head', files: 'Gitferry-Files' } as const;
const MACHINE = 'Gitferry-Machine';
const NO_HEAD = 'none';

export type SnapshotContent = Omit<Snapshot, 'id' | 'at'> & { identity: Identity; at: CommitTime };

/** @throws Failure `identity-missing` when the name is empty */
export function snapshotContent(snapshot: SnapshotContent): Buffer {
  const who = signature(snapshot.identity, snapshot.at);
  const lines = [
    `tree ${snapshot.tree}`,
    ...snapshot.parents.map((parent) => `parent ${parent}`),
    `author ${who}`,
    `committer ${who}`,
    '',
    snapshotMessage(snapshot),
  ];
  return Buffer.from(lines.join('\n'), 'utf8');
}

/** Ends with a line break. */
export function snapshotMessage(snapshot: SnapshotContent): string {
  const { filesChanged, branch } = snapshot;
  const lines = [
    snapshotSubject({ branch, filesChanged }),
    '',
    `${TRAILERS.branch}: ${branch}`,
    `${TRAILERS.head}: ${snapshot.head ?? NO_HEAD}`,
    `${TRAILERS.files}: ${filesChanged}`,
    `${MACHINE}: ${snapshot.machine.replace(/\s+/g, ' ').trim()}`,
    '',
  ];
  return lines.join('\n');
}

export function snapshotSubject({ branch, filesChanged }: Pick<Snapshot, 'branch' | 'filesChanged'>): string {
  return `Snapshot of ${branch} (${filesChanged} ${filesChanged === 1 ? 'file' : 'files'})`;
}

/** Null for a commit that is no snapshot. @throws Failure `object-corrupt` */
export function parseSnapshot(id: string, content: Buffer): Snapshot | null {
  const { tree, parents } = parseCommit(id, content);
  const text = content.toString('utf8');
  const messageAt = text.indexOf('\n\n');
  if (messageAt < 0) return null;
  const trailer = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(text.slice(messageAt))?.[1];
  const branch = trailer(TRAILERS.branch);
  const head = trailer(TRAILERS.head);
  if (branch === undefined || head === undefined) return null;
  const seconds = /^committer .*> (-?\d+) [+-]\d+$/m.exec(text.slice(0, messageAt))?.[1];
  if (seconds === undefined) throw new Failure('object-corrupt', `The commit ${id} names no committer.`);
  return {
    ...{ id, branch, tree, parents },
    at: Number(seconds) * 1000,
    machine: trailer(MACHINE) ?? '',
    filesChanged: Number(trailer(TRAILERS.files) ?? 0) || 0,
    head: /^[0-9a-f]{40}$/.test(head) ? head : null,
  };
}
