// Repositories that only the system's git may touch: safe all the same, with the reason shown, also after a kill.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processStart } from '../../src/host/process-start.ts';
import { beginJourney, expectTwins, type Journey, untilRemoteHas } from '../support/journey.ts';

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

test('a project with hooks and line-end rules is kept safe by git, and the page says why', async () => {
  const project = await journey.addProject('hooked');
  await project.repo.write('.git/hooks/pre-commit', '#!/bin/sh\necho ran >> .git/ran\n', 0o755);
  await project.repo.write('.gitattributes', '*.txt text\n');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('hooked', 'safe');
  await project.repo.write('a.txt', 'one\r\n');
  await untilRemoteHas(journey, project, 'a.txt', 'one\n');
  const shown = await service.untilState('hooked', 'safe');
  expect(shown.engine).toMatchObject({
    name: 'git',
    reason: expect.stringContaining('.gitattributes converts'),
  });
  expect(await readFile(join(project.path, '.git/ran'), 'utf8')).toContain('ran');
  await expectTwins(project);
});

test('where git is not installed such a project is blocked with both reasons', async () => {
  const project = await journey.addProject('hooked');
  await project.repo.write('.git/hooks/pre-commit', '#!/bin/sh\n', 0o755);
  const service = await journey.start({ folders: [project.path], env: { PATH: journey.folder } });
  const { stateReason } = await service.untilState('hooked', 'blocked');
  expect(stateReason.code).toBe('needs-system-git');
  expect(stateReason.detail).toContain('there is a pre-commit hook. But git is not installed.');
});

test('a push that outlives its killed service is ended by the next one, which goes on', async () => {
  const project = await journey.addProject('hooked');
  const pidFile = join(project.path, '.git/hook-pid');
  await project.repo.write(
    '.git/hooks/pre-push',
    '#!/bin/sh\necho $$ > .git/hook-pid\nexec sleep 1000\n',
    0o755,
  );
  const first = await journey.start({ folders: [project.path] });
  await expect.poll(() => readFile(pidFile, 'utf8').catch(() => ''), { timeout: 30_000 }).not.toBe('');
  const pid = Number(await readFile(pidFile, 'utf8'));
  await first.kill();
  expect(await processStart(pid)).not.toBeNull();
  await project.repo.write('.git/hooks/pre-push', '#!/bin/sh\nexit 0\n', 0o755);
  const second = await journey.start();
  await second.untilState('hooked', 'safe');
  expect(await processStart(pid)).toBeNull();
  await expectTwins(project);
});
