// The engine of our own behind the common interface: binds the parts of the git room to one repository.

import { constants } from 'node:fs';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { findChanges } from '../changes/changes.ts';
import { openIgnoreRules } from '../changes/ignore.ts';
import { commitChanges } from '../commit/commit.ts';
import { readIndex } from '../index/index-file.ts';
import { readFailure } from '../io-failure.ts';
import { objectId } from '../objects/object-format.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import { pushBranch } from '../remote/push.ts';
import type { ObjectStore } from '../types.ts';
import type { Engine } from './engine.ts';
import type { SyncPorts } from './sync-ports.ts';

export function createBuiltinEngine(probe: ProbedRepository, objects: ObjectStore, ports: SyncPorts): Engine {
  const { repo, config, head, fileMode } = probe;
  const { clock, random, env, homeDir, transport } = ports;
  return {
    name: 'builtin',
    reason: null,
    async findChanges(scope, signal) {
      const ignore = await openIgnoreRules({ repo, config, homeDir, env });
      return findChanges({ repo, objects, config, ignore, head, scope, fileMode, signal });
    },
    async countTracked() {
      return (await readIndex(repo)).count;
    },
    async readContent(change) {
      return change.kind === 'deleted'
        ? new Uint8Array()
        : readExactly(repo.worktree, change.path, change.oid);
    },
    commit: (commit) =>
      commitChanges({
        ...commit,
        ...{ repo, objects, clock, random },
        fsync: ports.fsync() && probe.fsync,
        ...(ports.faultPoint && { faultPoint: ports.faultPoint }),
      }),
    push: ({ remote, ...push }) =>
      pushBranch({ ...push, transport, objects, repo, url: remote.url, env, clock }),
  };
}

/** What the guard sees must be what is committed: another content is a change in between. */
async function readExactly(worktree: string, path: RepoPath, oid: string): Promise<Uint8Array> {
  const name = displayPath(path);
  const content = await readPlace(diskPath(worktree, path)).catch((error: unknown) => {
    throw readFailure(error, name);
  });
  if (objectId('blob', content) === oid) return content;
  throw new Failure('file-changing', `${name} changed while it was looked at.`);
}

/** A link's target as text, never what lies behind it; a pipe's writer is not waited for. */
async function readPlace(place: string | Buffer): Promise<Uint8Array> {
  if ((await lstat(place)).isSymbolicLink()) return readlink(place, { encoding: 'buffer' });
  const flag = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  return readFile(place, { flag });
}
