import { execFile } from 'node:child_process';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readProjectFile } from '../../src/detect/project-file.ts';
import { updateProjectFile } from '../../src/detect/project-file-update.ts';
import { createProjectSchema } from '../../src/detect/project-schema.ts';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-file-'));
  file = join(folder, 'project.json');
});
afterEach(() => rm(folder, { recursive: true }));
const text = () => readFile(file, 'utf8');

test('readProjectFile() answers "absent" without a file', async () => {
  expect(await readProjectFile(folder)).toEqual({ kind: 'absent' });
  expect(await readProjectFile(join(folder, 'nowhere'))).toEqual({ kind: 'absent' });
});

test('readProjectFile() answers for a named pipe at once, and says what it is', async () => {
  await promisify(execFile)('mkfifo', [file]);
  expect(await readProjectFile(folder)).toEqual({
    kind: 'invalid',
    reason: expect.objectContaining({ code: 'project-file-invalid', detail: `${file}: is not a file.` }),
  });
});

test('readProjectFile() fills in defaults and keeps unknown keys', async () => {
  await writeFile(
    file,
    '{"version":2,"projectId":"blog","github":{"enabled":true,"x-tool":{"a":1}},"other":[1]}',
  );
  expect(await readProjectFile(folder)).toEqual({
    kind: 'valid',
    version: 2,
    file: {
      version: 2,
      projectId: 'blog',
      other: [1],
      github: {
        enabled: true,
        syncBranches: ['main', 'master', 'auto/*'],
        authentication: { type: 'token', configured: false },
        mode: 'commit',
        'x-tool': { a: 1 },
      },
    },
  });
});

test.each([
  ['without a version', '{"projectName":"Blog","github":{"enabled":true}}'],
  ['with version 1', '{"version":1,"projectName":"Blog","github":{"enabled":true}}'],
  ['with a byte order mark', '\uFEFF{"projectName":"Blog","github":{"enabled":true}}'],
])('readProjectFile() reads a file %s as version 1, github at the same place', async (_what, content) => {
  await writeFile(file, content);
  const reading = await readProjectFile(folder);
  expect(reading).toMatchObject({ kind: 'valid', version: 1, file: { github: { enabled: true } } });
});

test.each([
  ['{\n  "version": 2,\n}', /project\.json: line 3, column 1: expected a name/],
  ['[]', /line 1, column 1: expected an object/],
  ['', /line 1, column 1: expected a value, found the end of the file/],
  ['{"version":3}', /version: this gitferry reads versions 1 and 2/],
  ['{"version":2,"github":{"mode":"pull"}}', /github\.mode: /],
  [
    '{"version":2,"github":{"syncBranches":["ok","a b"]}}',
    /github\.syncBranches\[1\]: must be a branch name/,
  ],
  ['{"version":2,"projectId":"Not Valid"}', /projectId: /],
  [`{"version":2,"x":"${'a'.repeat(1024 * 1024)}"}`, /has \d+ bytes; at most 1048576 are read/],
])('readProjectFile() names the fault of %.40j', async (content, detail) => {
  await writeFile(file, content);
  expect(await readProjectFile(folder)).toEqual({
    kind: 'invalid',
    reason: {
      code: 'project-file-invalid',
      detail: expect.stringMatching(detail),
      action: expect.stringContaining('never overwrites'),
    },
  });
});

test('updateProjectFile() makes a version 2 file when there is none', async () => {
  const answer = await updateProjectFile(folder, { projectName: 'Blog', github: { enabled: true } });
  expect(await text()).toBe(
    '{\n  "version": 2,\n  "projectName": "Blog",\n  "github": {\n    "enabled": true\n  }\n}\n',
  );
  expect(answer).toMatchObject({
    version: 2,
    projectName: 'Blog',
    github: { enabled: true, mode: 'commit' },
  });
  expect(await readProjectFile(folder)).toEqual({ kind: 'valid', version: 2, file: answer });
  expect(await readdir(folder)).toEqual(['project.json']);
});

test('updateProjectFile() merges deeply, replaces arrays, removes by null and leaves the rest as it is', async () => {
  const before =
    '\uFEFF{\r\n\t"x": 1.0,\r\n\t"version": 2,\r\n\t"github": {\r\n\t\t"syncBranches": ["main"],\r\n\t\t"mode": "push",\r\n\t\t"commit": { "trailers": true }\r\n\t}\r\n}';
  await writeFile(file, before);
  await updateProjectFile(folder, {
    github: { syncBranches: ['dev'], mode: null, commit: { message: 'm' } } as never,
  });
  expect(await text()).toBe(
    before
      .replace('["main"]', '[\r\n\t\t\t"dev"\r\n\t\t]')
      .replace(',\r\n\t\t"mode": "push"', '')
      .replace('true }', 'true, "message": "m" }'),
  );
});

test('updateProjectFile() that changes nothing does not touch the file', async () => {
  await writeFile(file, '{"version":2,"github":{"enabled":true}}');
  const { mtimeMs, ino } = await stat(file);
  await updateProjectFile(folder, { github: { enabled: true } });
  expect(await stat(file)).toMatchObject({ mtimeMs, ino });
});

test('updateProjectFile() upgrades version 1 and keeps the first copy of it', async () => {
  const old = '{\n  "projectName": "Blog"\n}\n';
  await writeFile(file, old);
  await updateProjectFile(folder, { github: { enabled: true } });
  expect(JSON.parse(await text())).toEqual({ version: 2, projectName: 'Blog', github: { enabled: true } });
  expect(await readFile(`${file}.v1.bak`, 'utf8')).toBe(old);
  await writeFile(file, '{"version":1}');
  await updateProjectFile(folder, { projectName: 'Other' });
  expect(JSON.parse(await text())).toEqual({ version: 2, projectName: 'Other' });
  expect(await readFile(`${file}.v1.bak`, 'utf8')).toBe(old);
});

test('updateProjectFile() never overwrites a broken file', async () => {
  await writeFile(file, '{ "version": 2, ');
  await expect(updateProjectFile(folder, { projectName: 'x' })).rejects.toMatchObject({
    code: 'project-file-invalid',
  });
  expect(await text()).toBe('{ "version": 2, ');
});

test('updateProjectFile() refuses a patch that would break the file', async () => {
  await writeFile(file, '{"version":2}');
  await expect(updateProjectFile(folder, { github: { mode: 'pull' } as never })).rejects.toMatchObject({
    code: 'invalid-request',
    message: expect.stringContaining('github.mode'),
  });
  expect(await text()).toBe('{"version":2}');
  expect(await readdir(folder)).toEqual(['project.json']);
});

test('updateProjectFile() keeps the mode and writes through a symbolic link', async () => {
  const shared = join(folder, 'shared');
  await mkdir(shared);
  await writeFile(join(shared, 'settings.json'), '{"version":2}', { mode: 0o640 });
  await chmod(join(shared, 'settings.json'), 0o640);
  await symlink('shared/settings.json', file);
  await updateProjectFile(folder, { projectName: 'Linked' });
  expect((await lstat(file)).isSymbolicLink()).toBe(true);
  expect(JSON.parse(await readFile(join(shared, 'settings.json'), 'utf8'))).toMatchObject({
    projectName: 'Linked',
  });
  expect((await stat(file)).mode & 0o777).toBe(0o640);
  expect(await readdir(shared)).toEqual(['settings.json']);
});

test('updateProjectFile() called many times at once loses no change', async () => {
  await writeFile(file, '{"version":2}');
  const names = Array.from({ length: 20 }, (_, index) => `k${index}`);
  await Promise.all(names.map((name) => updateProjectFile(folder, { github: { [name]: 1 } })));
  expect(Object.keys(JSON.parse(await text()).github).sort()).toEqual(names.sort());
});

test('updateProjectFile() names a folder that is not there', async () => {
  await expect(updateProjectFile(join(folder, 'nowhere'), { projectName: 'x' })).rejects.toMatchObject({
    code: 'folder-missing',
  });
});

test('project.schema.json says what the schema in the source says', async () => {
  const published = await readFile(new URL('../../project.schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(published), 'run `node --import tsx scripts/write-schemas.ts`').toEqual(
    createProjectSchema(),
  );
});
