// Brings one branch of a remote up by the system's git: pre-push hooks, LFS uploads and SSH work as when a person
// pushes. Never forces, never deletes.

import { Failure } from '../../model/failure.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import { isAncestor } from '../remote/history.ts';
import type { PushResult } from '../remote/push.ts';
import type { EnginePush } from '../sync/engine.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import type { ObjectStore } from '../types.ts';
import { type Access, credentialAccess } from './ask-credential.ts';
import { connectionFailure, refusalFailure } from './push-failure.ts';
import { pushMessages, readPushLine, sentBytes } from './push-lines.ts';
import type { RunGit } from './run-git.ts';

const PUSH_TIMEOUT_MS = 60 * 60_000;
const ASK_TIMEOUT_MS = 2 * 60_000;
const MOST_WALKED_COMMITS = 100_000;
/** A transfer on which nothing moves for a minute has failed. */
const IMPATIENT = ['-c', 'http.lowSpeedLimit=1', '-c', 'http.lowSpeedTime=60'];
/** Whole ids in the report; nothing is pushed beside the branch. */
const EXACT = ['-c', 'core.abbrev=40'];

export type SystemPush = EnginePush & {
  probe: Pick<ProbedRepository, 'repo' | 'config'>;
  objects: ObjectStore;
  git: RunGit;
  ports: Pick<SyncPorts, 'credentialFor' | 'env' | 'clock'>;
};

type Remote = { url: string; host: string; access: Access; hasCredential: boolean };

/**
 * Idempotent: a second call answers `up-to-date`.
 * @throws Failure `remote-ahead`, `remote-diverged`, `push-hook-refused`, refusals as classify.ts names them,
 *   `credential-missing`, `credential-rejected`, `ssh-refused`, `ssh-host-unknown`, `insecure-remote`, `offline`, ...
 */
export async function pushBySystem(push: SystemPush): Promise<PushResult> {
  const { branch, tip, git, ports } = push;
  const { url, host } = push.remote;
  const credential = await ports.credentialFor(host);
  const access = await credentialAccess(push.probe.repo, url, credential);
  const remote = { url, host, access, hasCredential: credential !== null };
  // Asked first when the tip may be there already: a person's pre-push hook is not to run for nothing.
  const before = push.assumed === null ? await remoteTip(push, remote) : push.assumed;
  if (push.assumed === null && before === tip) return answerOf(push, 'up-to-date', tip, 0);
  const options = ['--porcelain', '--progress', '--no-follow-tags', '--recurse-submodules=no'];
  const ref = `refs/heads/${branch}`;
  const { code, out, err } = await git(
    [...EXACT, ...IMPATIENT, ...access.options, 'push', ...options, '--', url, `${ref}:${ref}`],
    { env: { ...sshEnv(push), ...access.env }, changes: true, timeoutMs: PUSH_TIMEOUT_MS },
  );
  const text = pushMessages(err);
  const line = readPushLine(out.toString('utf8'));
  const trouble = { host, text, hasCredential: remote.hasCredential, nowMs: ports.clock.now() };
  if (line === null || (code !== 0 && line.flag !== '!')) throw connectionFailure(trouble);
  if (line.flag === '=') return answerOf(push, 'up-to-date', tip, 0);
  if (line.flag !== '!') return answerOf(push, 'pushed', line.from, sentBytes(err));
  const failure = refusalFailure(line.reason, trouble);
  if (failure.code !== 'push-rejected-non-fast-forward') throw failure;
  throw await behind(push, remote, failure);
}

function answerOf(
  { tip }: SystemPush,
  status: PushResult['status'],
  from: string | null,
  bytes: number,
): PushResult {
  return { status, from, to: tip, bytes, requests: 0, redirectedTo: null };
}

/** As a person would reach the host, but nobody is there to answer a question. */
function sshEnv({ probe, ports }: SystemPush): Record<string, string> {
  const { env } = ports;
  const isChosen = env.GIT_SSH_COMMAND || env.GIT_SSH || probe.config.get('core.sshCommand') !== undefined;
  return isChosen ? {} : { GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=30' };
}

/** @throws Failure as the push */
async function remoteTip(push: SystemPush, remote: Remote): Promise<string | null> {
  const { url, host, access, hasCredential } = remote;
  const ref = `refs/heads/${push.branch}`;
  const { code, out, err } = await push.git(
    [...IMPATIENT, ...access.options, 'ls-remote', '--quiet', '--refs', '--', url, ref],
    { env: { ...sshEnv(push), ...access.env }, timeoutMs: ASK_TIMEOUT_MS },
  );
  const nowMs = push.ports.clock.now();
  if (code !== 0) throw connectionFailure({ host, text: pushMessages(err), hasCredential, nowMs });
  const line = out
    .toString('utf8')
    .split('\n')
    .find((each) => each.endsWith(`\t${ref}`));
  return line?.split('\t')[0] ?? null;
}

/** The same answers as the built-in engine: who is ahead of whom. */
async function behind(push: SystemPush, remote: Remote, refused: Failure): Promise<Failure> {
  const { objects, tip, branch } = push;
  const { host } = remote;
  const there = await remoteTip(push, remote);
  // Moved back or gone meanwhile, or a lock on the remote's side: worth another try.
  if (there === null) return new Failure('remote-error', refused.message, { data: refused.data });
  const known = await objects.has(there);
  const data = { host, remoteTip: there, known };
  const text = `${branch} on ${host} is at ${there.slice(0, 10)}`;
  if (!known) {
    const lastKnown = push.lastKnown ?? push.assumed;
    return lastKnown !== null && lastKnown !== tip
      ? new Failure('remote-diverged', `${text}, which is not here, and there is work here.`, { data })
      : new Failure('remote-ahead', `${text}, which is not here.`, { data });
  }
  if ((await isAncestor(objects, there, tip, MOST_WALKED_COMMITS)) === 'yes') {
    return new Failure('remote-error', refused.message, { data: refused.data });
  }
  return (await isAncestor(objects, tip, there, MOST_WALKED_COMMITS)) === 'yes'
    ? new Failure('remote-ahead', `${text}, ahead of ${tip.slice(0, 10)} here.`, { data })
    : new Failure(
        'remote-diverged',
        `${text}, and ${tip.slice(0, 10)} is here: both have commits of their own.`,
        { data },
      );
}
