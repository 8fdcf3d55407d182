// How the system's git reaches a remote: with the credential of its host, as a person would by SSH, and without
// anybody to answer a question. Asks it for its tips.

import type { Failure } from '../../model/failure.ts';
import type { GitConfig } from '../config/user-config.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import type { Repository } from '../types.ts';
import { credentialAccess } from './ask-credential.ts';
import { connectionFailure } from './push-failure.ts';
import { pushMessages } from './push-lines.ts';
import type { GitAnswer, RunGit } from './run-git.ts';

const ASK_TIMEOUT_MS = 2 * 60_000;
/** A transfer on which nothing moves for a minute has failed. */
const IMPATIENT = ['-c', 'http.lowSpeedLimit=1', '-c', 'http.lowSpeedTime=60'];

export type SystemRemote = {
  url: string;
  host: string;
  /** Before the command. */
  options: string[];
  env: Record<string, string>;
  hasCredential: boolean;
};

/** @throws Failure `insecure-remote`, `write-refused`, `disk-full` */
export async function openSystemRemote(
  { url, host }: { url: string; host: string },
  { repo, config }: { repo: Repository; config: GitConfig },
  { credentialFor, env }: Pick<SyncPorts, 'credentialFor' | 'env'>,
): Promise<SystemRemote> {
  const credential = await credentialFor(host, url);
  const access = await credentialAccess(repo, url, credential);
  const isChosen = env.GIT_SSH_COMMAND || env.GIT_SSH || config.get('core.sshCommand') !== undefined;
  const ssh = isChosen ? {} : { GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=30' };
  return {
    ...{ url, host, hasCredential: credential !== null },
    options: [...IMPATIENT, ...access.options],
    env: { ...ssh, ...access.env },
  };
}

/** Commands that may ask the remote for what a partial clone lacks, or a filter for its contents. */
export function reaching(git: RunGit, { options, env }: SystemRemote): RunGit {
  return (args, call = {}) => git([...options, ...args], { ...call, env: { ...env, ...call.env } });
}

/**
 * Tips by full name, of exactly these refs; what is not there is left out.
 * @throws Failure as a push that got no answer
 */
export async function listRemoteTips(
  git: RunGit,
  remote: SystemRemote,
  refs: readonly string[],
  nowMs: number,
): Promise<Map<string, string>> {
  const args = ['ls-remote', '--quiet', '--refs', '--', remote.url, ...refs];
  const answer = await reaching(git, remote)(args, { timeoutMs: ASK_TIMEOUT_MS });
  if (answer.code !== 0) throw remoteTrouble(remote, answer, { nowMs, what: 'Asking' });
  const wanted = new Set(refs);
  const lines = answer.out
    .toString('utf8')
    .split('\n')
    .map((line): [string, string] => [line.slice(41), line.slice(0, 40)]);
  // A name without wildcards also finds refs that end in it.
  return new Map(lines.filter(([ref]) => wanted.has(ref)));
}

export function remoteTrouble(
  { host, hasCredential }: SystemRemote,
  { err }: Pick<GitAnswer, 'err'>,
  trouble: { nowMs: number; what: 'The fetch from' | 'Asking' },
): Failure {
  return connectionFailure({ host, text: pushMessages(err), hasCredential, ...trouble });
}
