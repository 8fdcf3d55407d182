// Keeps secrets that a person committed on the machine: what commits would bring to a remote is looked at before they
// are pushed. A commit cannot be sent in part, so the whole push waits for the person.

import { Failure } from '../../model/failure.ts';
import type { HeldFile } from '../../model/project.ts';
import { remoteTips } from '../fetch/remote-tips.ts';
import { displayPath } from '../paths.ts';
import { listRefs } from '../refs/refs.ts';
import { type NewFile, newFiles } from '../remote/new-files.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import { FILE_MODE, type Repository } from '../types.ts';
import type { Engine, EnginePush } from './engine.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { SyncWork } from './sync-work.ts';

/** The work whose pushes are guarded. What is held comes to its facts. */
export type GuardedWork = Pick<SyncWork, 'objects' | 'github' | 'releases' | 'facts' | 'stats' | 'signal'> & {
  probe: { repo: Repository };
};

type GuardPorts = Pick<SyncPorts, 'guard' | 'transport'>;

/** Files named in the text; the API has them all. */
const MOST_NAMED = 3;

/**
 * The engine, pushing nothing that holds a secret. What the primary has, or had when git last looked, is not held any more.
 * @throws Failure by `push` also `secret-in-commit`
 */
export function guardPushes<T extends Pick<Engine, 'push'>>(
  engine: T,
  work: GuardedWork,
  ports: GuardPorts,
): T {
  return {
    ...engine,
    async push(push: EnginePush) {
      const held = await findHeld(push, work, ports);
      if (held.length === 0) return engine.push(push);
      work.facts.heldFiles = [...work.facts.heldFiles, ...newOnly(held, work.facts.heldFiles)];
      throw heldFailure(push.branch, held);
    },
  };
}

async function findHeld(push: EnginePush, work: GuardedWork, ports: GuardPorts): Promise<HeldFile[]> {
  if (work.github.guard?.secrets === false || (await isOwnStep(push, work))) return [];
  const known = await knownCommits(push, work);
  const held = await judgeCommits(push.tip, known, work, ports);
  if (held.length === 0 || !/^https?:/.test(push.remote.url)) return held;
  // Before a person is disturbed: perhaps the remote has it all along.
  const { transport } = ports;
  const { url } = push.remote;
  const tips = await remoteTips({ transport, url, prefixes: ['refs/heads/'], signal: push.signal });
  return judgeCommits(push.tip, [...known, ...tips.values()], work, ports);
}

/** Nothing but the commit that this sync made: the guard has seen all of it. */
async function isOwnStep(push: EnginePush, { objects, stats, facts }: GuardedWork): Promise<boolean> {
  if (push.tip !== stats.commit) return false;
  const { parents } = await objects.readCommit(push.tip);
  const tips = new Set([push.assumed, push.lastKnown, ...Object.values(facts.remoteTips)]);
  return parents.every((parent) => tips.has(parent));
}

async function knownCommits(
  { remote, assumed, lastKnown }: EnginePush,
  work: GuardedWork,
): Promise<string[]> {
  const tips = [assumed, lastKnown, ...Object.values(work.facts.remoteTips)];
  const known = new Set([
    ...tips.filter((tip) => typeof tip === 'string'),
    ...(await trackedTips(remote, work)),
  ]);
  return [...known];
}

async function trackedTips({ name, tracked }: ChosenRemote, { probe }: GuardedWork): Promise<string[]> {
  return tracked ? [...(await listRefs(probe.repo, `refs/remotes/${name}/`)).values()] : [];
}

async function judgeCommits(
  tip: string,
  known: readonly string[],
  work: GuardedWork,
  { guard }: GuardPorts,
): Promise<HeldFile[]> {
  const { objects, github, releases, stats, signal } = work;
  const skip = new Set(stats.commit === null ? [] : [stats.commit]);
  const all: HeldFile[] = [];
  for await (const files of newFiles({ objects, tip, known, skip, signal })) {
    const { held } = await guard({
      files: files.map(guarded),
      // Deletions are none here: what a commit deletes, the remote has.
      trackedFiles: files.length,
      settings: github.guard,
      released: releases.files,
      committed: true,
      read: async (_path, oid) => (await objects.open(oid)).chunks,
      signal,
    });
    const commit = files[0]?.commit;
    if (commit !== undefined) all.push(...held.map(({ sizeBytes, ...file }) => ({ ...file, commit })));
  }
  return all;
}

function guarded({ path, oid, mode }: NewFile) {
  return {
    path: displayPath(path),
    kind: 'added' as const,
    sizeBytes: 0,
    oid,
    isSymlink: mode === FILE_MODE.symlink,
  };
}

/** Two branches may share the commit. */
function newOnly(found: readonly HeldFile[], before: readonly HeldFile[]): HeldFile[] {
  const keyOf = ({ path, oid, commit }: HeldFile) => `${commit} ${oid} ${path}`;
  const known = new Set(before.map(keyOf));
  return found.filter((file) => !known.has(keyOf(file)));
}

function heldFailure(branch: string, held: readonly HeldFile[]): Failure {
  const named = held.slice(0, MOST_NAMED).map(({ path, rule, line, commit = '' }) => {
    const place = line === undefined ? path : `${path} line ${line}`;
    return `${place} (${rule}) in ${commit.slice(0, 10)}`;
  });
  const more = held.length > MOST_NAMED ? ` and ${held.length - MOST_NAMED} more` : '';
  return new Failure('secret-in-commit', `${branch} is not pushed: ${named.join(', ')}${more}.`);
}
