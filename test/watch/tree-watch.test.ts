import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTreeWatch, type TreeWatch } from '../../src/host/deno-tree-watch.ts';
import { watchRepository } from './watched-project.ts';

const deno = (globalThis as { Deno?: TreeWatch }).Deno;
const name = "a burst of 10,000 files is told completely by Deno's watch of the whole tree";

test.skipIf(!deno)(deno ? name : `${name}: SKIPPED, this is not Deno`, async () => {
  const w = await watchRepository({ watchTree: createTreeWatch(deno as TreeWatch), openFolderEvents: null });
  for (let folder = 0; folder < 100; folder += 1) {
    await mkdir(join(w.repo.path, `burst/${folder}`), { recursive: true });
    for (let file = 0; file < 100; file += 1)
      await writeFile(join(w.repo.path, `burst/${folder}/${file}`), 'x');
  }
  for (let folder = 0; folder < 100; folder += 1) await w.untilTold(`burst/${folder}/99`);
  w.clear();
  await w.repo.write('burst/50/tmp', 'later');
  await rename(join(w.repo.path, 'burst/50/tmp'), join(w.repo.path, 'burst/50/saved'));
  await w.untilTold('burst/50/saved');
  expect(w.watcher.projectStatus(w.projectId)).toEqual({ mode: 'events', folders: null });
  await w.stop();
});
