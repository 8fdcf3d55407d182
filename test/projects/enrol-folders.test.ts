import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { enrolFolders } from '../../src/projects/enrol-folders.ts';
import { openDatabase } from '../../src/store/open.ts';
import { listProjects } from '../../src/store/projects.ts';
import { databaseDeps, temporaryFolder } from '../support/database.ts';
import { createGitRepo } from '../support/git-repo.ts';

test('enrolFolders() takes in nothing when one of the folders is no work tree, and names each of those', async () => {
  const folder = await temporaryFolder();
  const repo = await createGitRepo();
  const db = await openDatabase({ path: join(folder.path, 'queue.db') }, databaseDeps);
  try {
    const plain = join(folder.path, 'plain');
    const other = join(folder.path, 'other');
    for (const each of [plain, other]) await mkdir(each);
    await writeFile(join(plain, 'a.txt'), 'a\n');
    const ports = {
      ...{ db, machineId: 'laptop', env: {}, homeDir: folder.path },
      ...{ clock: systemClock, autoStart: true },
    };
    await expect(enrolFolders([repo.path, plain, other], ports)).rejects.toMatchObject({
      code: 'not-a-repository',
      message: `${plain}, ${other} are no git work tree and hold none.`,
    });
    expect(await listProjects(db)).toEqual([]);
    const enrolled = await enrolFolders([repo.path], ports);
    expect(enrolled.lines).toEqual([expect.stringContaining(`: syncing ${repo.path}`)]);
    expect(await listProjects(db)).toHaveLength(1);
  } finally {
    await db.close();
    await repo.remove();
    await folder.remove();
  }
});
