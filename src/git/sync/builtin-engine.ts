// The engine of our own behind the common interface: binds the parts of the git room to one repository.

import { Failure } from '../../model/failure.ts';
import { findChanges } from '../changes/changes.ts';
import { openExactContent } from '../changes/exact-content.ts';
import { openIgnoreRules } from '../changes/ignore.ts';
import { findSubmoduleChanges, joinChanges } from '../changes/submodules.ts';
import { commitChanges } from '../commit/commit.ts';
import { fetchBranches } from '../fetch/fetch.ts';
import { readIndex } from '../index/index-file.ts';
import { builtinTools } from '../integrate/work-tree-tools.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import { listRefs } from '../refs/refs.ts';
import { type OpenedPush, openPush } from '../remote/opened-push.ts';
import { pushBranch } from '../remote/push.ts';
import { packFor } from '../remote/send-pack.ts';
import type { ObjectStore } from '../types.ts';
import type { Engine } from './engine.ts';
import type { SyncPorts } from './sync-ports.ts';

export function createBuiltinEngine(probe: ProbedRepository, objects: ObjectStore, ports: SyncPorts): Engine {
  const { repo, config, head, fileMode } = probe;
  const { clock, random, env, homeDir, transport } = ports;
  const fsync = ports.fsync() && probe.fsync;
  let opened: OpenedPush | null = null;
  /** Before the branch has it, so that nothing is left to do then but to send it. */
  const prepare = async (made: { oid: string; parent: string | null; ref: string }, signal: AbortSignal) => {
    if (opened === null) return;
    const { oid: tip } = made;
    // A person may have gone on, or to another branch.
    const fits = made.parent === opened.from && made.ref === `refs/heads/${opened.branch}`;
    const bytes = fits ? await packIfWhole(opened, { objects, repo, tip, signal }) : null;
    opened.prepare(bytes && { tip, bytes });
  };
  return {
    name: 'builtin',
    reason: null,
    async findChanges(scope, signal) {
      const ignore = await openIgnoreRules({ repo, config, homeDir, env });
      const files = await findChanges({ repo, objects, config, ignore, head, scope, fileMode, signal });
      return joinChanges(files, await findSubmoduleChanges({ repo, objects, head }));
    },
    async countTracked() {
      return (await readIndex(repo)).count;
    },
    async readContent(change) {
      return change.kind === 'deleted'
        ? new Uint8Array()
        : openExactContent({ worktree: repo.worktree, path: change.path, oid: change.oid });
    },
    commit: (commit) =>
      commitChanges({
        ...commit,
        ...{ repo, objects, clock, random },
        fsync,
        onWritten: (made) => prepare(made, commit.signal),
        onMoved: () => opened?.branchMoved(),
        ...(ports.faultPoint && { faultPoint: ports.faultPoint }),
      }),
    openPush({ remote, ...push }) {
      opened?.cancel();
      opened = openPush({ ...push, transport, url: remote.url });
    },
    closePush: () => opened?.cancel(),
    push({ remote, ...push }) {
      const begun = opened;
      opened = null;
      return pushBranch({ ...push, transport, objects, repo, url: remote.url, env, clock, opened: begun });
    },
    async fetch({ remote, branches, who, signal, onBytes }) {
      const refs = await listRefs(repo, 'refs/');
      const { tips } = await fetchBranches({
        ...{ transport, objects, repo, url: remote.url, branches, env, signal, clock, random, fsync },
        haveTips: [...refs.values()],
        ...(onBytes && { onBytes }),
        tracking: remote.tracked ? { name: remote.name, who } : null,
      });
      return tips;
    },
    workTree: async () => builtinTools({ repo, objects, config, fsync }),
  };
}

/** Null where it is too much, or not to be had: the push finds that out, and tells it. */
async function packIfWhole(opened: OpenedPush, commit: Parameters<typeof packFor>[1]) {
  try {
    return await packFor(opened, commit);
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}
