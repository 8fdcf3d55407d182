// Brings one branch of a remote to a commit: finds what the remote lacks, sends it in one POST, reads the verdict.
// Never forces, never deletes: the remote's tip must be proven to be an ancestor first.

import type { Clock } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import type { SyncProgress } from '../../model/progress.ts';
import type { ObjectStore, Repository } from '../types.ts';
import { type Discovery, discoverRefs } from './discover.ts';
import { isAncestor } from './history.ts';
import { abortFailure } from './idle-watch.ts';
import type { OpenedPush } from './opened-push.ts';
import { ASSUMED_CAPABILITIES } from './push-command.ts';
import { parseRemoteUrl } from './remote-url.ts';
import { sendPack } from './send-pack.ts';
import type { GitTransport } from './transport.ts';

export type PushInput = {
  transport: GitTransport;
  objects: ObjectStore;
  repo: Repository;
  url: string;
  /** Without `refs/heads/`. */
  branch: string;
  /** The commit that the remote branch is to name. */
  tip: string;
  /** The remote's last known tip: when it still holds, one request is enough. Null: ask the remote first. */
  assumed: string | null;
  signal: AbortSignal;
  clock: Clock;
  /** The remote's last known tip for telling `remote-ahead` from `remote-diverged`; default `assumed`. */
  lastKnown?: string | null;
  /** The environment of a system git, where one is used; default: that of this process. */
  env?: Readonly<Record<string, string | undefined>>;
  /** A request that was begun for this push, in case it goes from the assumed tip; otherwise it is given up. */
  opened?: OpenedPush | null;
  /** Called as the upload goes on. */
  onProgress?(sent: Omit<SyncProgress, 'phase'>): void;
};

export type PushResult = {
  status: 'pushed' | 'up-to-date';
  /** The remote's tip before; null when the branch was new there. */
  from: string | null;
  to: string;
  /** Bytes of the upload; 0 when nothing was sent. */
  bytes: number;
  /** HTTP requests of all attempts that got an answer. */
  requests: number;
  /** The address that the remote has moved to, or null. */
  redirectedTo: string | null;
};

/** The assumed tip is normally a few commits back; above this, discovery costs less. */
const MOST_ASSUMED_COMMITS = 1_000;
/** A history that does not decide within so many commits is not walked on. */
const MOST_WALKED_COMMITS = 100_000;
/** Somebody else pushing at the same time may win so often before it is given up. */
const MOST_ATTEMPTS = 3;
/** First wait for a ref that is locked on the remote; grows with each attempt. */
const LOCKED_DELAY_MS = 200;

/** Refusals of an assumed push that discovery may explain: another tip, a moved repository, missing bases. */
const ASK_AGAIN: ReadonlySet<string> = new Set([
  'push-rejected-non-fast-forward',
  'push-rejected',
  'redirect-refused',
  'repository-not-found',
]);

/**
 * Idempotent: a second call answers `up-to-date`.
 * @throws Failure `remote-ahead`, `remote-diverged`, every refusal that classify.ts names, and what the transport
 * throws. `data.outcomeUnknown: true` says that the remote may have taken the push: the next try must ask first.
 */
export async function pushBranch({ opened = null, ...input }: PushInput): Promise<PushResult> {
  const count = { requests: 0 };
  const refused = await pushAssumed(input, opened, count).finally(() => opened?.cancel());
  if (refused && 'status' in refused) return refused;
  let failure = refused?.failure ?? null;
  let tried = refused ? input.assumed : undefined;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const found = await discoverRefs(input.transport, input.url, input.signal);
    count.requests += found.requests;
    const from = found.refs.get(`refs/heads/${input.branch}`) ?? null;
    const rest = { from, to: input.tip, redirectedTo: found.redirectedTo };
    if (from === input.tip) return { status: 'up-to-date', ...rest, bytes: 0, requests: count.requests };
    const moved = found.redirectedTo !== null;
    if (failure && from === tried && !moved) await waitOrGiveUp(input, failure, attempt);
    if (from !== null) await refuseUnlessAncestor(input, from);
    try {
      const { bytes } = await send(input, found, from, count);
      return { status: 'pushed', ...rest, bytes, requests: count.requests };
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'push-rejected-non-fast-forward') throw error;
      failure = error;
      tried = from;
    }
  }
  throw settled(failure as Failure);
}

/** Null when nothing can be assumed; the refusal when asking may help. */
async function pushAssumed(
  input: PushInput,
  opened: OpenedPush | null,
  count: { requests: number },
): Promise<PushResult | { failure: Failure } | null> {
  const { assumed, tip, url, objects } = input;
  if (assumed === null || assumed === tip) return null;
  if ((await isAncestor(objects, assumed, tip, MOST_ASSUMED_COMMITS)) !== 'yes') return null;
  try {
    const sent = await sendPack({
      ...input,
      url,
      from: assumed,
      bases: [assumed],
      capabilities: ASSUMED_CAPABILITIES,
      count,
      opened: opened !== null && fits(opened, input) ? opened : null,
    });
    return {
      status: 'pushed',
      from: assumed,
      to: tip,
      ...sent,
      requests: count.requests,
      redirectedTo: null,
    };
  } catch (error) {
    if (error instanceof Failure && ASK_AGAIN.has(error.code)) return { failure: error };
    throw error;
  }
}

function fits(opened: OpenedPush, { url, branch, assumed }: PushInput): boolean {
  return opened.url === url && opened.branch === branch && opened.from === assumed;
}

async function send(input: PushInput, found: Discovery, from: string | null, count: { requests: number }) {
  const bases = from === null ? await sharedTips(input.objects, found.refs) : [from];
  const { url, capabilities } = found;
  return sendPack({ ...input, url, movedFrom: input.url, from, bases, capabilities, count });
}

/** A new branch mostly starts from one that the remote has. */
async function sharedTips(objects: ObjectStore, refs: ReadonlyMap<string, string>): Promise<string[]> {
  const MOST_BASES = 256;
  const first = ['refs/heads/main', 'refs/heads/master'];
  const heads = [...refs.keys()].filter((ref) => ref.startsWith('refs/heads/'));
  const ordered = [...first.filter((ref) => refs.has(ref)), ...heads].slice(0, MOST_BASES);
  const tips = new Set(ordered.map((ref) => refs.get(ref) as string));
  const shared: string[] = [];
  for (const oid of tips) if (await objects.has(oid)) shared.push(oid);
  return shared;
}

async function refuseUnlessAncestor(input: PushInput, remoteTip: string): Promise<void> {
  const { objects, tip, branch, url } = input;
  const answer = await isAncestor(objects, remoteTip, tip, MOST_WALKED_COMMITS);
  if (answer === 'yes') return;
  const { host } = parseRemoteUrl(url);
  const known = await objects.has(remoteTip);
  const data = { host, remoteTip, known };
  const there = `${branch} on ${host} is at ${remoteTip.slice(0, 10)}`;
  if (!known) {
    const lastKnown = input.lastKnown ?? input.assumed;
    const diverged = lastKnown !== null && lastKnown !== tip;
    if (diverged)
      throw new Failure('remote-diverged', `${there}, which is not here, and there is work here.`, { data });
    throw new Failure('remote-ahead', `${there}, which is not here.`, { data });
  }
  if ((await isAncestor(objects, tip, remoteTip, MOST_WALKED_COMMITS)) === 'yes') {
    throw new Failure('remote-ahead', `${there}, ahead of ${tip.slice(0, 10)} here.`, { data });
  }
  const why =
    answer === 'no' ? 'both have commits of their own' : 'the history here does not reach back to it';
  throw new Failure('remote-diverged', `${there}, and ${tip.slice(0, 10)} is here: ${why}.`, { data });
}

/** The tip was right, so the refusal meant something else: mostly a push of somebody else that is not done yet. */
async function waitOrGiveUp(input: PushInput, failure: Failure, attempt: number): Promise<void> {
  const { clock, signal, url } = input;
  if (failure.code !== 'push-rejected-non-fast-forward') throw failure;
  await clock.sleep(LOCKED_DELAY_MS * attempt, signal).catch(() => {
    throw abortFailure(signal, parseRemoteUrl(url).host);
  });
}

/** What kept losing against others, or against a lock on the remote's side, is worth another try later. */
function settled(failure: Failure): Failure {
  return new Failure('remote-error', failure.message, { data: failure.data, cause: failure });
}
