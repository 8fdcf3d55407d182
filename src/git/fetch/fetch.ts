// Brings branches of a remote here: asks for their tips, takes in what is missing, and only then moves the
// remote-tracking refs. Cut off anywhere, no ref names what is not here. Knows no work tree.

import { readFile } from 'node:fs/promises';
import type { Clock, Random } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import { isAbsent } from '../io-failure.ts';
import { readRef, updateRef } from '../refs/refs.ts';
import { walkAhead } from '../remote/commit-walk.ts';
import { newObjects } from '../remote/history.ts';
import { parseRemoteUrl } from '../remote/remote-url.ts';
import type { GitTransport } from '../remote/transport.ts';
import type { ObjectStore, Repository } from '../types.ts';
import { hasGit, type PackIntake, takePack } from './pack-intake.ts';
import { requestPack } from './request-pack.ts';
import { type Asking, discoverUploadPack, refsOf } from './upload-pack.ts';

export type FetchInput = {
  transport: GitTransport;
  objects: ObjectStore;
  repo: Repository;
  url: string;
  /** Without `refs/heads/`. */
  branches: readonly string[];
  /** What is here already: tips of local and remote-tracking branches. Ids that are not here are left out. */
  haveTips: readonly string[];
  /** The remote's name when `refs/remotes/<name>/*` mirrors it, and who the reflog names; else null. */
  tracking: { name: string; who: string } | null;
  env: PackIntake['env'];
  gitProgram?: string | null;
  fsync: boolean;
  /** Called as a pack comes in, with its bytes so far. */
  onBytes?(received: number): void;
  signal: AbortSignal;
  clock: Clock;
  random: Random;
};

export type FetchResult = {
  /** Null: the remote has no such branch. */
  tips: Record<string, string | null>;
  /** Size of the packs taken in. */
  bytes: number;
  /** HTTP requests made. */
  requests: number;
};

const HEADS = 'refs/heads/';
const MOST_TIPS = 128;
/** Commits named beside the tips: the remote may know an older one when it does not know a tip. */
const MOST_ANCESTORS = 512;
/** What came in is walked up to here to prove that it is whole; more was checked by git when it was indexed. */
const MOST_CHECKED_COMMITS = 2_000;
const MOST_CHECKED_OBJECTS = 20_000;

/**
 * The caller holds the repository lock. Idempotent: what is here already is not asked for again.
 * @throws Failure `object-corrupt`, `object-missing`, `needs-system-git`, `ref-moved`, `aborted`, `disk-full`,
 *   `write-refused`, `remote-invalid-answer`, `repository-not-found`, and what the transport throws
 */
export async function fetchBranches(input: FetchInput): Promise<FetchResult> {
  const { transport, url, signal, branches, objects } = input;
  const asking: Asking = { transport, url, signal, count: { requests: 0 } };
  const shallow = await shallowCommits(input.repo);
  // Answers about shallow clones have a form of their own in version 2; they are too rare to learn it.
  const server = await discoverUploadPack(asking, shallow.length === 0 ? 2 : 0);
  const refs = await refsOf(
    asking,
    server,
    branches.map((branch) => HEADS + branch),
  );
  const tips = Object.fromEntries(branches.map((branch) => [branch, refs.get(HEADS + branch) ?? null]));
  const wanted = [...new Set(Object.values(tips).filter((oid) => oid !== null))];
  const haves = await presentOf(objects, input.haveTips);
  const wants: string[] = [];
  for (const oid of wanted) if (!(await isWhole(objects, oid, haves))) wants.push(oid);
  let bytes = 0;
  if (wants.length > 0) {
    const thin = await hasGit(input);
    const pack = requestPack(asking, server, {
      wants,
      haves: await withAncestors(objects, haves),
      shallow,
      thin,
    });
    bytes = await takePack(input, input.onBytes ? counted(pack, input.onBytes) : pack, thin);
    // In a shallow clone the walk would end at commits whose parents are missing on purpose.
    if (shallow.length === 0) await proveWhole(input, wants, haves);
  }
  await moveTracking(input, tips);
  return { tips, bytes, requests: asking.count.requests };
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (received: number) => void,
): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of chunks) {
    received += chunk.length;
    onBytes(received);
    yield chunk;
  }
}

async function presentOf(objects: ObjectStore, tips: readonly string[]): Promise<string[]> {
  const present: string[] = [];
  for (const oid of new Set(tips)) {
    if (present.length < MOST_TIPS && (await objects.has(oid))) present.push(oid);
  }
  return present;
}

/** A commit that is here counts only with all that it needs: gc may have left half of what no ref held. */
async function isWhole(objects: ObjectStore, oid: string, haves: readonly string[]): Promise<boolean> {
  if (haves.includes(oid)) return true;
  if (!(await objects.has(oid))) return false;
  try {
    return (await areHere(objects, oid, haves)) === 'yes';
  } catch (error) {
    if (error instanceof Failure && error.code === 'object-missing') return false;
    throw error;
  }
}

async function areHere(
  objects: ObjectStore,
  oid: string,
  haves: readonly string[],
): Promise<'yes' | 'no' | 'too-many'> {
  const found = await newObjects(objects, oid, haves, MOST_CHECKED_COMMITS, MOST_CHECKED_OBJECTS);
  if (found === 'too-many') return 'too-many';
  for (const each of found.oids) if (!(await objects.has(each))) return 'no';
  return 'yes';
}

async function proveWhole(
  input: FetchInput,
  wants: readonly string[],
  haves: readonly string[],
): Promise<void> {
  const { objects, url } = input;
  for (const oid of wants) {
    if (!(await objects.has(oid))) {
      const { host } = parseRemoteUrl(url);
      throw new Failure('remote-invalid-answer', `${host} sent a pack without ${oid}.`, { data: { host } });
    }
    if ((await areHere(objects, oid, haves)) === 'no') {
      throw new Failure('object-missing', `The remote sent ${oid} without all that belongs to it.`);
    }
  }
}

async function withAncestors(objects: ObjectStore, tips: readonly string[]): Promise<string[]> {
  const all = new Set(tips);
  const each = Math.ceil(MOST_ANCESTORS / Math.max(1, tips.length));
  for (const tip of tips) {
    const walk = await walkAhead({ objects, tip, known: [], limit: each });
    for (const { oid } of walk.ahead) all.add(oid);
  }
  return [...all];
}

async function shallowCommits(repo: Repository): Promise<string[]> {
  try {
    const text = await readFile(`${repo.commonDir}/shallow`, 'latin1');
    return text.split('\n').filter((line) => /^[0-9a-f]{40}$/.test(line));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** A mirror follows its remote wherever that went; a branch that is gone there stays here, as `git fetch` leaves it. */
async function moveTracking(input: FetchInput, tips: Record<string, string | null>): Promise<void> {
  const { tracking, repo, fsync, clock, random } = input;
  if (tracking === null) return;
  for (const [branch, next] of Object.entries(tips)) {
    const ref = `refs/remotes/${tracking.name}/${branch}`;
    const expected = await readRef(repo, ref);
    if (next === null || expected === next) continue;
    const reflog = { message: 'fetch', who: tracking.who };
    await updateRef(repo, { ref, expected, next, reflog, alsoHead: false, fsync, clock, random });
  }
}
