// The project.json of every version is read today, and written as the newest version with the old one beside it.

import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readProjectFile } from '../../src/detect/project-file.ts';
import { updateProjectFile } from '../../src/detect/project-file-update.ts';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-upgrade-'));
});
afterEach(() => rm(folder, { recursive: true }));

test.each([1, 2])('a project.json of version %i is read and upgraded on the first write', async (version) => {
  const fixture = join(FIXTURES, `project-${version}.json`);
  await copyFile(fixture, join(folder, 'project.json'));
  const before = JSON.parse(await readFile(fixture, 'utf8'));
  const read = await readProjectFile(folder);
  expect(read).toMatchObject({ kind: 'valid', version, file: { projectId: 'blog', github: before.github } });
  await updateProjectFile(folder, { projectName: 'Journal' });
  const after = JSON.parse(await readFile(join(folder, 'project.json'), 'utf8'));
  expect(after).toEqual({ ...before, version: 2, projectName: 'Journal' });
  const others = (await readdir(folder)).filter((name) => name !== 'project.json');
  expect(others).toHaveLength(version === 1 ? 1 : 0);
  for (const name of others) {
    expect(JSON.parse(await readFile(join(folder, name), 'utf8'))).toEqual(before);
  }
});
