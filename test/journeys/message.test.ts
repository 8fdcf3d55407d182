// What commits say: the project's template, or a command where the person allowed it on this machine.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginJourney, type Journey, projectFile, untilRemoteHas } from '../support/journey.ts';

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

const QUICK = { quietMs: 100, minIntervalMs: 0 };
const COMMAND = { message: { command: ['sh', '-c', 'echo "Files: $(cat | tr "\\n" " ")"'] } };

test('a template says what the project wants, with the machine below', async () => {
  const project = await journey.addProject('said');
  const commit = { message: '{count} file(s) on {branch} by {machine}: {files}' };
  await project.repo.write('project.json', projectFile(QUICK, { commit }));
  const service = await journey.start({ folders: [project.path], env: { SYNC_MACHINE_ID: 'desk' } });
  await service.untilState('said', 'safe');
  await project.repo.write('a.md', 'a\n');
  await untilRemoteHas(journey, project, 'a.md', 'a\n');
  const said = await project.repo.git('log', '-1', '--format=%B');
  expect(said.trim()).toBe('1 file(s) on main by desk: a.md\n\nGitferry-Machine: desk');
});

test('a command is run only where it was allowed; otherwise the project says so', async () => {
  const project = await journey.addProject('command');
  await project.repo.write('project.json', projectFile(QUICK, { commit: COMMAND }));
  const first = await journey.start({ folders: [project.path] });
  const shown = await first.untilState('command', 'blocked');
  expect(shown.stateReason.code).toBe('message-command-not-allowed');
  await first.stop();

  await journey.start({ env: { SYNC_ALLOW_MESSAGE_COMMANDS: 'true' } });
  await project.repo.write('b.md', 'b\n');
  await untilRemoteHas(journey, project, 'b.md', 'b\n');
  expect(await project.repo.git('log', '--format=%s')).toMatch(/Files: .*b\.md/);
});
