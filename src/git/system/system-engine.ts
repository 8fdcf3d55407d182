// The system's git behind the common interface: for repositories where a person's git does more than the built-in
// engine knows (LFS, hooks, signing, end-of-line rules, SSH).

import type { Environment } from '../config/user-config.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import type { Engine } from '../sync/engine.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import type { ObjectStore } from '../types.ts';
import { gitRunner } from './run-git.ts';
import { readWhileStill } from './still-content.ts';
import { findSystemChanges } from './system-changes.ts';
import { commitBySystem } from './system-commit.ts';
import { fetchBySystem } from './system-fetch.ts';
import { pushBySystem } from './system-push.ts';
import { openSystemTools } from './work-tree-tools.ts';

export function createSystemEngine(
  input: { probe: ProbedRepository; objects: ObjectStore; reason: string },
  ports: SyncPorts,
): Engine {
  const { probe, objects } = input;
  const { clock, random } = ports;
  const fsync = ports.fsync() && probe.fsync;
  const env = fsync ? withConfig(ports.env, 'core.fsync', 'committed,reference') : ports.env;
  const gitFor = (signal: AbortSignal) => gitRunner({ repo: probe.repo, env, clock, signal });
  return {
    name: 'git',
    reason: input.reason,
    findChanges: (_scope, signal) => findSystemChanges(probe, gitFor(signal), { withSubmodules: true }),
    async countTracked(signal) {
      const { out } = await gitFor(signal)(['ls-files', '--cached', '-z']);
      return out.reduce((count, byte) => (byte === 0 ? count + 1 : count), 0);
    },
    async readContent(change) {
      return change.kind === 'deleted' ? new Uint8Array() : readWhileStill(probe.repo.worktree, change);
    },
    commit: (commit) =>
      commitBySystem({
        ...commit,
        ...{ probe, objects, clock, random, fsync, git: gitFor(commit.signal) },
        ...(ports.faultPoint && { faultPoint: ports.faultPoint }),
      }),
    push: (push) => pushBySystem({ ...push, probe, objects, ports, git: gitFor(push.signal) }),
    fetch: (fetch) => fetchBySystem({ ...fetch, probe, ports, git: gitFor(fetch.signal) }),
    workTree: async (remote, signal) => openSystemTools({ probe, objects, gitFor, signal }, remote, ports),
  };
}

/** Over every file, as `git -c`, but seen by hooks and helpers too. */
function withConfig(env: Environment, key: string, value: string): Environment {
  const count = Number(env.GIT_CONFIG_COUNT ?? '0');
  return {
    ...env,
    GIT_CONFIG_COUNT: String(count + 1),
    [`GIT_CONFIG_KEY_${count}`]: key,
    [`GIT_CONFIG_VALUE_${count}`]: value,
  };
}
