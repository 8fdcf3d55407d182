// Brings one branch of a remote up by the system's git: pre-push hooks, LFS uploads and SSH work as when a person
// pushes. Never forces, never deletes.

import { Failure } from '../../model/failure.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import { readRef } from '../refs/refs.ts';
import type { PushResult } from '../remote/push.ts';
import type { EnginePush } from '../sync/engine.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import type { ObjectStore } from '../types.ts';
import { connectionFailure, refusalFailure } from './push-failure.ts';
import { pushMessages, readPushLine, sentBytes } from './push-lines.ts';
import { behindFailure, isFastForward } from './remote-standing.ts';
import type { RunGit } from './run-git.ts';
import { listRemoteTips, openSystemRemote, type SystemRemote } from './system-remote.ts';

const PUSH_TIMEOUT_MS = 60 * 60_000;
/** Whole ids in the report; nothing is pushed beside the branch. */
const EXACT = ['-c', 'core.abbrev=40'];

export type SystemPush = EnginePush & {
  probe: Pick<ProbedRepository, 'repo' | 'config'>;
  objects: ObjectStore;
  git: RunGit;
  ports: Pick<SyncPorts, 'credentialFor' | 'env' | 'clock'>;
};

/**
 * Idempotent: a second call answers `up-to-date`.
 * @throws Failure `remote-ahead`, `remote-diverged`, `push-hook-refused`, refusals as classify.ts names them,
 *   `credential-missing`, `credential-rejected`, `ssh-refused`, `ssh-host-unknown`, `insecure-remote`, `offline`, ...
 */
export async function pushBySystem(push: SystemPush): Promise<PushResult> {
  const { branch, tip, git, ports } = push;
  const { url, host } = push.remote;
  const remote = await openSystemRemote(push.remote, push.probe, ports);
  // Asked first when the tip may be there already: a person's pre-push hook is not to run for nothing.
  const before = push.assumed === null ? await remoteTip(push, remote) : push.assumed;
  if (push.assumed === null && before === tip) return answerOf(push, 'up-to-date', tip, 0);
  if (push.assumed === null && before !== null && !(await isFastForward(push, before))) {
    throw await behindFailure(push, host, before);
  }
  const options = ['--porcelain', '--progress', '--no-follow-tags', '--recurse-submodules=no'];
  const ref = `refs/heads/${branch}`;
  // Hooks are told the branch; what is put aside under another name has none here.
  const source = (await readRef(push.probe.repo, ref)) === tip ? ref : tip;
  const { code, out, err } = await git(
    [...EXACT, ...remote.options, 'push', ...options, '--', url, `${source}:${ref}`],
    { env: remote.env, changes: true, timeoutMs: PUSH_TIMEOUT_MS },
  );
  const text = pushMessages(err);
  const line = readPushLine(out.toString('utf8'));
  const trouble = { host, text, hasCredential: remote.hasCredential, nowMs: ports.clock.now() };
  if (line === null || (code !== 0 && line.flag !== '!')) throw connectionFailure(trouble);
  if (line.flag === '=') return answerOf(push, 'up-to-date', tip, 0);
  if (line.flag !== '!') return answerOf(push, 'pushed', line.from, sentBytes(err));
  const failure = refusalFailure(line.reason, trouble);
  if (failure.code !== 'push-rejected-non-fast-forward') throw failure;
  const there = await remoteTip(push, remote);
  // Moved back or gone meanwhile, or a lock on the remote's side: worth another try.
  if (there === null || (await isFastForward(push, there))) {
    throw new Failure('remote-error', failure.message, { data: failure.data });
  }
  throw await behindFailure(push, host, there);
}

function answerOf(
  { tip }: SystemPush,
  status: PushResult['status'],
  from: string | null,
  bytes: number,
): PushResult {
  return { status, from, to: tip, bytes, requests: 0, redirectedTo: null };
}

async function remoteTip({ branch, git, ports }: SystemPush, remote: SystemRemote): Promise<string | null> {
  const ref = `refs/heads/${branch}`;
  return (await listRemoteTips(git, remote, [ref], ports.clock.now())).get(ref) ?? null;
}
