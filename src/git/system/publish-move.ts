// Brings index and branch to a commit whose files are written under the index's lock. git makes the new index in the
// form of the old one and moves the branch; the lock is ours.

import { readdir, readFile } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { refuseDuringStash } from '../commit/foreign-command.ts';
import type { Publication } from '../commit/publish-commit.ts';
import type { IndexChange } from '../index/index-write.ts';
import type { WorkTreeTools } from '../integrate/work-tree-tools.ts';
import { lockFile } from '../refs/lock-file.ts';
import { twinsFolder } from '../refs/lock-twin.ts';
import type { Repository } from '../types.ts';
import { moveRefBySystem } from './move-ref.ts';
import { refuseIfMoved } from './publish-commit.ts';
import type { RunGit } from './run-git.ts';
import { copyIndex, openScratch } from './scratch-index.ts';
import { namedInReflog } from './system-merge.ts';

type Tools = {
  repo: Repository;
  git: RunGit;
  readIndex: WorkTreeTools['readIndex'];
  /** Paths that a sparse work tree leaves out. */
  outside(): ReadonlySet<string>;
};
const ABSENT_OID = '0'.repeat(40);

/** As `publishCommit`, with changes that are made under the lock. */
export async function publishMove(publication: Publication, tools: Tools): Promise<boolean> {
  const { repo, head, oid, changes, reflog, wait, fsync, faultPoint } = publication;
  const twin = { folder: twinsFolder(repo), label: `index-${oid}` };
  const lock = await lockFile(`${repo.gitDir}/index`, twin, wait);
  if (lock === null) throw new Failure('index-busy', `Another program holds ${repo.gitDir}/index.lock.`);
  try {
    await faultPoint('index-locked');
    await refuseIfMoved({ repo, head, clock: wait.clock });
    await refuseDuringStash(repo, new Set(await readdir(repo.gitDir)), wait.clock.now());
    const changed = typeof changes === 'function' ? await changes(await tools.readIndex()) : changes;
    await lock.write(await newIndex(changed, tools), fsync);
    await faultPoint('index-written');
    await moveRefBySystem({
      ...{ repo, git: tools.git, ref: head.ref, expected: head.oid, next: oid, message: reflog.message },
      env: namedInReflog(reflog.who),
    });
    await faultPoint('ref-moved');
    await lock.commit();
    await faultPoint('index-moved');
    return true;
  } finally {
    await lock.release();
  }
}

async function newIndex(changes: readonly IndexChange[], { repo, git, outside }: Tools): Promise<Buffer> {
  const scratch = await openScratch(repo);
  try {
    const index = await copyIndex(repo, `${scratch.folder}/next`, git, { keepForm: true });
    const gone = changes.filter(({ entry }) => entry === null);
    const lines = [
      ...gone.map(({ path }) => `0 ${ABSENT_OID}\t${path}\0`),
      ...changes.flatMap(({ path, entry }) =>
        entry === null ? [] : [`${entry.mode.toString(8)} ${entry.oid}\t${path}\0`],
      ),
    ];
    await index.run(['update-index', '-z', '--index-info'], latin(lines));
    const left = changes.filter(({ path, entry }) => entry !== null && outside().has(path));
    if (left.length > 0) {
      const names = latin(left.map(({ path }) => `${path}\0`));
      await index.run(['update-index', '--skip-worktree', '-z', '--stdin'], names);
    }
    return await readFile(index.path);
  } finally {
    await scratch.close();
  }
}

const latin = (lines: readonly string[]) => Buffer.from(lines.join(''), 'latin1');
