// A service that is frozen outlives its lease, and one that is killed leaves git commands behind. Whoever comes next
// works in a repository only when nobody else does, and who wakes up late harms nothing.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processStart } from '../../src/host/process-start.ts';
import { openDatabase } from '../../src/store/open.ts';
import { databaseDeps } from '../support/database.ts';
import {
  beginJourney,
  expectTwins,
  type Journey,
  type JourneyProject,
  projectFile,
  remoteFile,
} from '../support/journey.ts';
import { sqldMissing, startSqld } from '../support/sqld.ts';

/** Longer than a lease holds, on a busy machine. */
const AFTER_LEASE_MS = 90_000;

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

const pushes = (project: JourneyProject) =>
  journey.server.requests.filter(
    ({ method, path }) => method === 'POST' && path.includes(`/${project.id}.git/git-receive-pack`),
  ).length;

/** The next push of the project stops in the middle, until `release()`. */
function holdPush(project: JourneyProject) {
  return journey.server.inject(new RegExp(`POST /${project.id}\\.git/git-receive-pack`), { kind: 'held' });
}

/** What git holds in the repository, whoever reads it. */
async function stateOf(project: JourneyProject): Promise<string> {
  return (await project.repo.git('for-each-ref')) + (await project.repo.git('status', '--porcelain'));
}

const lockOf = async (project: JourneyProject) =>
  JSON.parse(await readFile(join(project.path, '.git/gitferry.lock'), 'utf8')) as { pid: number };

const sharedName =
  'a service frozen in a push beyond its lease keeps others out of the repository, and settles nothing when it wakes';
if (sqldMissing) test.skip(`${sharedName}: SKIPPED, ${sqldMissing}`, () => {});
else
  test(sharedName, { timeout: 240_000 }, async () => {
    const sqld = await startSqld();
    const db = await openDatabase({ url: sqld.url }, databaseDeps);
    try {
      const project = await journey.addProject('notes');
      const env = { SYNC_DB_URL: sqld.url, SYNC_MACHINE_ID: 'laptop' };
      const first = await journey.start({ folders: [project.path], env });
      await first.untilState('notes', 'safe');
      const held = holdPush(project);
      await project.repo.write('saved.md', 'saved\n');
      await held.met;
      process.kill(first.pid, 'SIGSTOP');
      const before = { pushes: pushes(project), state: await stateOf(project) };
      const frozenRun = await runningRun();

      const second = await journey.start({ env });
      await second.until(
        'another try that finds the repository busy',
        async () => (await errorsOf(frozenRun.fence)).includes('repository-busy'),
        AFTER_LEASE_MS,
      );
      expect(await lockOf(project)).toMatchObject({ pid: first.pid });
      expect({ pushes: pushes(project), state: await stateOf(project) }).toEqual(before);
      const taken = await runOf(frozenRun.fence);
      expect(taken).toMatchObject({ status: 'crashed', worker_id: frozenRun.worker_id });

      held.release();
      process.kill(first.pid, 'SIGCONT');
      await first.untilState('notes', 'safe');
      // Whichever of the two synced it, the other has to look itself before it says so.
      expect((await second.api('POST', '/api/sync/trigger', {})).status).toBe(202);
      await second.untilState('notes', 'safe');
      expect(await runOf(frozenRun.fence)).toEqual(taken);
      expect(await remoteFile(project, 'saved.md')).toBe('saved\n');
      expect(await project.repo.git('log', '--format=%s', '--', 'saved.md')).toMatch(/^.+\n$/);
      await expectTwins(project);
      expect(await first.stop()).toBe(0);
      expect(await second.stop()).toBe(0);
    } finally {
      await db.close();
      await sqld.stop();
    }

    async function runningRun() {
      const [row] = await db.run("SELECT fence, worker_id FROM jobs WHERE state = 'running'");
      return row as { fence: number; worker_id: string };
    }
    async function runOf(fence: number) {
      return (await db.run('SELECT * FROM runs WHERE fence = :fence', { fence }))[0];
    }
    async function errorsOf(after: number): Promise<unknown[]> {
      const sql = `SELECT error ->> '$.code' AS code FROM runs WHERE fence > :after`;
      return (await db.run(sql, { after })).map((row) => row.code);
    }
  });

test('a service with a database of its own stays out of a repository in which a frozen one is at work', async () => {
  const project = await journey.addProject('notes');
  const first = await journey.start({ folders: [project.path] });
  await first.untilState('notes', 'safe');
  const held = holdPush(project);
  await project.repo.write('saved.md', 'saved\n');
  await held.met;
  process.kill(first.pid, 'SIGSTOP');
  const before = { pushes: pushes(project), state: await stateOf(project) };
  await project.repo.write('later.md', 'later\n');

  const dataDir = join(journey.folder, '.other');
  await mkdir(dataDir);
  const second = await journey.start({ folders: [project.path], dataDir });
  const busy = await second.untilState('notes', 'retrying');
  expect(busy.stateReason).toMatchObject({ code: 'repository-busy' });
  expect(busy.stateReason.detail).toContain(`Process ${first.pid} `);
  expect(pushes(project)).toBe(before.pushes);
  expect(await stateOf(project)).toBe(`${before.state}?? later.md\n`);

  held.release();
  process.kill(first.pid, 'SIGCONT');
  for (const service of [first, second]) await service.untilState('notes', 'safe');
  expect(await remoteFile(project, 'later.md')).toBe('later\n');
  await expectTwins(project);
});

/**
 * A program that notes who is at work, ten times a second and also when it is asked to end, for ever where the file
 * `slow` was there when it began. Before it begins it does what `first` says, and afterwards `then`.
 */
function slowProgram({ path }: JourneyProject, { first = '', then = 'exit 0' } = {}): string {
  const gitDir = join(path, '.git');
  return `#!/bin/sh
${first}
trap '' TERM HUP
echo "begin $$" >> '${gitDir}/journal'
if [ -e '${gitDir}/slow' ]; then
  while :; do echo "at work $$" >> '${gitDir}/journal'; sleep 0.1; done
fi
${then}
`;
}

/** Kills the service while its hook or transport is at work, and answers who that is. */
async function killAtWork(project: JourneyProject): Promise<{ atWork: number; journal: string }> {
  const journal = join(project.path, '.git/journal');
  await project.repo.write('.git/slow', '');
  const service = await journey.start({ folders: [project.path] });
  const atWork = Number(await untilLine(journal, /^at work (\d+)$/m));
  await service.kill();
  expect(await processStart(atWork)).not.toBeNull();
  return { atWork, journal };
}

async function untilLine(path: string, line: RegExp): Promise<string> {
  let found: string | undefined;
  await expect
    .poll(
      async () => {
        found = line.exec(await readFile(path, 'utf8').catch(() => ''))?.[1];
        return found;
      },
      { timeout: 45_000 },
    )
    .toBeDefined();
  return found as string;
}

/** Whoever was left at work was gone before anybody else began, and nothing of its work is in the way. */
async function expectInTurn(project: JourneyProject, atWork: number, journal: string): Promise<void> {
  const next = await journey.start({ folders: [project.path] });
  await next.untilState(project.id, 'safe', AFTER_LEASE_MS);
  const lines = (await readFile(journal, 'utf8')).trim().split('\n');
  const othersBegin = lines.findIndex((line) => line.startsWith('begin') && !line.endsWith(` ${atWork}`));
  const lastOfLeft = lines.findLastIndex((line) => line.endsWith(` ${atWork}`));
  expect(othersBegin).toBeGreaterThan(lastOfLeft);
  expect(await processStart(atWork)).toBeNull();
  expect(await remoteFile(project, 'README.md')).toBe('# hello\n');
  expect(await project.repo.git('log', '--format=%s', '--', 'fresh.md')).toMatch(/^.+\n$/);
  await expectTwins(project);
}

test.each(['pre-commit', 'pre-push'])(
  'a slow %s hook of a killed service is ended before the next one works there, though it ignores SIGTERM',
  { timeout: 150_000 },
  async (hook) => {
    const project = await journey.addProject('notes');
    await project.repo.write(`.git/hooks/${hook}`, slowProgram(project), 0o755);
    await project.repo.write('fresh.md', 'fresh\n');
    const { atWork, journal } = await killAtWork(project);
    await removeSlow(project);
    await expectInTurn(project, atWork, journal);
  },
);

test('a hook whose git was killed together with the service is ended, too', {
  timeout: 150_000,
}, async () => {
  const project = await journey.addProject('notes');
  await project.repo.write('.git/hooks/pre-commit', slowProgram(project), 0o755);
  await project.repo.write('fresh.md', 'fresh\n');
  const { atWork, journal } = await killAtWork(project);
  const leader = JSON.parse(await readFile(join(project.path, '.git/gitferry.child'), 'utf8')) as {
    pid: number;
  };
  process.kill(leader.pid, 'SIGKILL');
  await removeSlow(project);
  await expectInTurn(project, atWork, journal);
});

test('a slow push over SSH of a killed service is ended before the next one', {
  timeout: 150_000,
}, async () => {
  const project = await journey.addProject('notes');
  const ssh = join(journey.folder, 'slow-ssh');
  const then = 'exec sh -c "$last"';
  // Asking what the remote has changes nothing, and is not waited for.
  const first = `for last; do :; done\ncase "$last" in git-receive-pack*) ;; *) ${then};; esac`;
  await writeFile(ssh, slowProgram(project, { first, then }), { mode: 0o755 });
  await project.repo.git('remote', 'set-url', 'origin', `git@example.test:${project.remotePath}`);
  await project.repo.git('config', 'core.sshCommand', ssh);
  await project.repo.write('fresh.md', 'fresh\n');
  const { atWork, journal } = await killAtWork(project);
  await removeSlow(project);
  await expectInTurn(project, atWork, journal);
});

async function removeSlow(project: JourneyProject): Promise<void> {
  await rm(join(project.path, '.git/slow'));
}

test('notes of a killed service whose numbers other processes have now hold nobody up', async () => {
  const project = await journey.addProject('notes');
  // This very process has the number, and did not begin at that time.
  const other = JSON.stringify({ pid: process.pid, start: 'ticks:1' });
  await project.repo.write('.git/gitferry.lock', other);
  await project.repo.write('.git/gitferry.child', other);
  await project.repo.write('saved.md', 'saved\n');
  await project.repo.write('project.json', projectFile({ quietMs: 0, minIntervalMs: 0 }, { engine: 'git' }));
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('notes', 'safe');
  expect(await remoteFile(project, 'saved.md')).toBe('saved\n');
  await expectTwins(project);
});
