// Asks a project's remote where its branches are, in the way a sync would reach it: by one request of our own, or by
// the system's git where only that one can speak to the remote.

import type { Clock } from '../../host/clock.ts';
import type { Project } from '../../model/project.ts';
import { readGitConfig } from '../config/user-config.ts';
import { remoteTips } from '../fetch/remote-tips.ts';
import { openRepository } from '../repository.ts';
import { whyNoGit } from '../system/git-program.ts';
import { gitRunner } from '../system/run-git.ts';
import { listRemoteTips, openSystemRemote } from '../system/system-remote.ts';
import { whereItIs } from './follow-move.ts';
import { reachRemote } from './reach-remote.ts';
import { portsFor, type SyncPorts } from './sync-ports.ts';

export type AskPorts = Pick<SyncPorts, 'transport' | 'credentialFor' | 'forProject' | 'env' | 'homeDir'>;

/**
 * Tips by full name, of these refs; null when there is no remote to ask, or nobody to ask it.
 * @throws Failure as a sync that reaches the remote
 */
export async function askTips(
  { path, github, facts }: Pick<Project, 'path' | 'github' | 'facts'>,
  refs: readonly string[],
  { clock, signal }: { clock: Clock; signal: AbortSignal },
  given: AskPorts,
): Promise<Map<string, string> | null> {
  const ports = portsFor(github, given);
  const { transport, credentialFor, env, homeDir } = ports;
  const repo = await openRepository(path);
  const config = await readGitConfig({ repo, env, homeDir });
  const reached = await reachRemote(github, config, { credentialFor, env });
  if (reached.kind === 'none') return null;
  const { overSsh } = reached;
  const remote = whereItIs(facts, reached.remote);
  // A person's own helper may know a credential that we were not given.
  const isTheirs = facts.engine?.name === 'git' && (await credentialFor(remote.host, remote.url)) === null;
  if (overSsh === null && !isTheirs) {
    return remoteTips({ transport, url: remote.url, prefixes: refs, signal });
  }
  if ((await whyNoGit(env)) !== null) return null;
  const opened = await openSystemRemote(remote, { repo, config }, ports);
  return listRemoteTips(gitRunner({ repo, env, clock, signal }), opened, refs, clock.now());
}
