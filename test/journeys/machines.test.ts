// Several machines on one queue: two real services, one real libSQL server that wants a signed token, one git server.

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createGitRepo, runGit } from '../support/git-repo.ts';
import {
  beginJourney,
  expectTwins,
  type Journey,
  type JourneyProject,
  LENGTH,
  remoteFile,
  untilRemoteHas,
} from '../support/journey.ts';
import { type Answer, type RunningService, runToEnd } from '../support/service.ts';
import { foreignToken, type Sqld, sqldMissing, startSqld } from '../support/sqld.ts';

let sqld: Sqld;
let journey: Journey;

const suite = sqldMissing ? describe.skip : describe;

beforeEach(async () => {
  if (sqldMissing) return;
  sqld = await startSqld({ auth: true });
  journey = await beginJourney({
    env: { SYNC_DB_URL: sqld.url, SYNC_DB_AUTH_TOKEN: sqld.authToken as string },
  });
});
afterEach(async () => {
  if (sqldMissing) return;
  await sqld.restart();
  await journey.end();
  await sqld.stop();
});

const start = (machineId: string, folders: readonly string[] = []): Promise<RunningService> =>
  journey.start({
    folders,
    env: { SYNC_MACHINE_ID: machineId },
    dataDir: join(journey.folder, `.data-${machineId}`),
  });

/** Looks again and again: while the server is away no feed tells when it is worth it. */
async function eventually<T>(
  what: string,
  look: () => Promise<T | null | undefined | false>,
  limitMs = 45_000,
): Promise<T> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > giveUpAt) throw new Error(`${what} did not come within ${limitMs} ms`);
    await pause(100);
  }
}

/** The same repository in a folder of the same name, as a second machine has it. */
async function cloneOf(project: JourneyProject): Promise<JourneyProject> {
  const path = join(journey.folder, 'elsewhere', project.id);
  await runGit(['clone', '--quiet', project.remoteUrl, path], { cwd: journey.folder });
  const repo = await createGitRepo({ path });
  await repo.git('config', 'user.name', 'Bea Author');
  await repo.git('config', 'user.email', 'bea@example.com');
  return { ...project, repo, path };
}

const headHas = async ({ repo }: JourneyProject, file: string, content: string) =>
  (await repo.git('show', `HEAD:${file}`).catch(() => null)) === content;

async function timed(call: Promise<Answer>): Promise<Answer & { tookMs: number }> {
  const beganAt = performance.now();
  const answer = await call;
  return { ...answer, tookMs: performance.now() - beganAt };
}

const machinesOf = async (service: RunningService): Promise<string[]> => {
  const { body } = await service.api('GET', '/api/sync/machines');
  return body.machines.map((one: { machineId: string; state: string }) => `${one.machineId} ${one.state}`);
};

suite('two machines on one queue', () => {
  test('each syncs its own projects; lists and feed of either show all; a trigger reaches the other within 2 s', async () => {
    const blog = await journey.addProject('blog');
    const notes = await journey.addProject('notes');
    const desk = await start('desk', [blog.path]);
    const laptop = await start('laptop', [notes.path]);
    await laptop.untilState('blog', 'safe');
    await desk.untilState('notes', 'safe');
    expect(await machinesOf(desk)).toEqual(['desk alive', 'laptop alive']);
    const listed = (await laptop.api('GET', '/api/sync/projects')).body.projects;
    expect(listed.map(({ path, machineId }: Record<string, string>) => [path, machineId])).toEqual([
      [blog.path, 'desk'],
      [notes.path, 'laptop'],
    ]);

    const feed = await laptop.feed();
    await feed.until(({ type }) => type === 'hello', 'a greeting');
    await blog.repo.write('post.md', 'from the desk\n');
    await feed.until(
      ({ type, projectId, data }) =>
        type === 'run.finished' && projectId === 'blog' && data.filesChanged === 1,
      'the run of the desk in the feed of the laptop',
    );
    expect(await remoteFile(blog, 'post.md')).toBe('from the desk\n');

    const asked = feed.messages.length;
    const answer = await laptop.api('POST', '/api/sync/trigger/blog', { immediate: true });
    expect(answer.status).toBe(202);
    const since = (type: string) => (message: { type: string; projectId: string; id: number }) =>
      message.type === type && message.projectId === 'blog' && feed.messages.indexOf(message) >= asked;
    const ready = await feed.until(since('job.ready'), 'the job to be ready');
    const running = await feed.until(since('job.running'), 'the job to be taken by the desk');
    expect(Date.parse(running.at) - Date.parse(ready.at)).toBeLessThan(2_000);
    await feed.until(since('run.finished'), 'the run that was asked for');

    const all = await laptop.api('POST', '/api/sync/trigger', {});
    expect(all.body.queued.map((job: { projectId: string }) => job.projectId)).toContain('blog');
    await laptop.untilState('blog', 'safe');
    feed.close();
  }, 120_000);

  test('what only the other machine can do is refused by name; pausing, resuming and removing reach it', async () => {
    const blog = await journey.addProject('blog');
    const desk = await start('desk', [blog.path]);
    const laptop = await start('laptop');
    await laptop.untilState('blog', 'safe');
    const patched = await laptop.api('PATCH', '/api/sync/projects/blog', { github: { enabled: false } });
    expect(patched).toMatchObject({ status: 409, body: { code: 'project-elsewhere' } });

    await laptop.api('POST', '/api/sync/projects/blog/pause', {});
    await laptop.untilState('blog', 'paused');
    await blog.repo.write('late.md', 'while paused\n');
    await laptop.api('POST', '/api/sync/projects/blog/resume', {});
    await untilRemoteHas(journey, blog, 'late.md', 'while paused\n');

    expect((await laptop.api('DELETE', '/api/sync/projects/blog')).status).toBe(200);
    await eventually('the desk to let go of the removed project', async () => {
      const { body } = await desk.api('POST', '/api/sync/trigger', {});
      return body.scanned === 0;
    });
    expect((await desk.api('GET', '/api/sync/projects')).body.projects).toEqual([]);

    await laptop.api('PUT', '/api/sync/config', { schedulerOptions: { maxRetries: 7 } });
    await laptop.stop();
    await desk.stop();
    const again = await start('desk');
    expect((await again.api('GET', '/api/sync/config')).body.config.schedulerOptions.maxRetries).toBe(3);
  }, 120_000);

  test('the same repository on two machines has two names and is never worked on at the same moment', async () => {
    const first = await journey.addProject('notes');
    const desk = await start('desk', [first.path]);
    await desk.untilState('notes', 'safe');
    const second = await cloneOf(first);
    const laptop = await start('laptop', [second.path]);
    const other = 'notes@laptop';
    expect(laptop.output.out).toContain('notes@laptop: ');
    expect(laptop.output.out).toContain('(notes is the same repository on another machine)');
    const said = await desk.api('GET', '/api/sync/events?since=0&types=notice&timeoutMs=0');
    expect(said.body.events).toEqual([
      expect.objectContaining({ projectId: other, data: expect.objectContaining({ sameAs: 'notes' }) }),
    ]);
    await desk.untilState(other, 'safe');

    const rounds = 4 * LENGTH;
    for (let round = 0; round < rounds; round++) {
      await Promise.all([
        first.repo.write(`desk-${round}.md`, `desk ${round}\n`),
        second.repo.write(`laptop-${round}.md`, `laptop ${round}\n`),
      ]);
      await untilRemoteHas(journey, first, `desk-${round}.md`, `desk ${round}\n`);
      await untilRemoteHas(journey, first, `laptop-${round}.md`, `laptop ${round}\n`);
    }
    for (const id of ['notes', other]) await desk.api('POST', `/api/sync/trigger/${id}`, { immediate: true });
    await desk.untilState('notes', 'safe');
    await laptop.untilState(other, 'safe');

    const { history } = (await desk.api('GET', '/api/sync/history?limit=500')).body;
    const runs = history
      .map((run: { projectId: string; startedAt: string; finishedAt: string }) => ({
        ...{ id: run.projectId, from: Date.parse(run.startedAt), to: Date.parse(run.finishedAt) },
      }))
      .sort(
        (a: { from: number; to: number }, b: { from: number; to: number }) => a.from - b.from || a.to - b.to,
      );
    expect(new Set(runs.map((run: { id: string }) => run.id)).size).toBe(2);
    for (const [index, run] of runs.slice(1).entries()) {
      expect(run.from, JSON.stringify([runs[index], run])).toBeGreaterThanOrEqual(runs[index].to);
    }
    await first.repo.git('fsck', '--strict', '--no-dangling');
    await second.repo.git('fsck', '--strict', '--no-dangling');
  }, 180_000);

  test('a rate limit that one machine meets pauses the host for both', async () => {
    const blog = await journey.addProject('blog');
    const notes = await journey.addProject('notes');
    const desk = await start('desk', [blog.path]);
    const laptop = await start('laptop', [notes.path]);
    await desk.untilState('blog', 'safe');
    await laptop.untilState('notes', 'safe');
    journey.server.inject(/POST .*blog.*receive-pack/, {
      ...{ kind: 'status', status: 429, headers: { 'retry-after': '6' } },
    });
    await blog.repo.write('a.md', 'a\n');
    await laptop.untilState('blog', 'rate-limited');
    const sent = journey.server.requests.length;
    await notes.repo.write('b.md', 'b\n');
    await desk.untilState('notes', 'rate-limited');
    expect((await desk.project('notes')).job.waitingFor).toMatch(/^gate:cred:/);
    expect(journey.server.requests.length).toBe(sent);
    await untilRemoteHas(journey, notes, 'b.md', 'b\n');
    await untilRemoteHas(journey, blog, 'a.md', 'a\n');
  }, 120_000);
});

suite('a machine that is killed', () => {
  test('shows as dead within a minute, its repository is free for the other, and it goes on when it is back', async () => {
    const first = await journey.addProject('notes');
    const desk = await start('desk', [first.path]);
    await desk.untilState('notes', 'safe');
    const second = await cloneOf(first);
    const laptop = await start('laptop', [second.path]);
    const other = 'notes@laptop';
    await laptop.untilState(other, 'safe');

    const feed = await laptop.feed();
    const held = journey.server.inject(/POST .*git-receive-pack/, { kind: 'held' });
    await first.repo.write('cut.md', 'in the middle\n');
    await held.met;
    await desk.kill();
    const killedAt = performance.now();
    held.release();
    await second.repo.write('free.md', 'from the laptop\n');
    await feed.until(
      ({ type, data }) => type === 'machine.state' && data.machineId === 'desk' && data.state === 'dead',
      'the death of the desk',
      60_000,
    );
    expect(performance.now() - killedAt).toBeLessThan(60_000);
    expect(await machinesOf(laptop)).toEqual(['desk dead', 'laptop alive']);
    expect((await laptop.project('notes')).state).not.toBe('safe');
    await untilRemoteHas(journey, second, 'free.md', 'from the laptop\n');

    await start('desk');
    await untilRemoteHas(journey, first, 'cut.md', 'in the middle\n');
    await laptop.untilState('notes', 'safe');
    expect(await machinesOf(laptop)).toEqual(['desk alive', 'laptop alive']);
    feed.close();
  }, 200_000);
});

suite('the server of the queue', () => {
  test('away for a minute: saves are committed, nothing is lost, the service says what it waits for and recovers', async () => {
    const blog = await journey.addProject('blog');
    const notes = await journey.addProject('notes');
    const desk = await start('desk', [blog.path]);
    const laptop = await start('laptop', [notes.path]);
    await desk.untilState('blog', 'safe');
    await laptop.untilState('notes', 'safe');
    const tip = await journey.server.refOf(blog.remotePath, 'refs/heads/main');
    await desk.api('GET', '/api/sync/status');

    await sqld.kill();
    const goneAt = performance.now();
    for (let save = 0; performance.now() - goneAt < 60_000; save++) {
      await blog.repo.write('log.md', `save ${save}\n`);
      await notes.repo.write(`note-${save}.md`, `note ${save}\n`);
      await eventually(`save ${save} in a commit`, () => headHas(blog, 'log.md', `save ${save}\n`));
      await eventually(`note ${save} in a commit`, () => headHas(notes, `note-${save}.md`, `note ${save}\n`));
      await pause(3_000);
    }
    expect(await journey.server.refOf(blog.remotePath, 'refs/heads/main')).toBe(tip);
    const status = await timed(desk.api('GET', '/api/sync/status'));
    expect(status).toMatchObject({ status: 200 });
    expect(status.body.status).toMatchObject({
      projects: { safe: 0 },
      database: {
        ...{ kind: 'remote', reachable: false, reason: { code: 'database-unreachable' } },
        owed: { total: 1, projectIds: ['blog'] },
      },
    });
    for (const path of ['/api/sync/projects', '/api/sync/queue', '/api/sync/machines']) {
      const answer = await timed(desk.api('GET', path));
      expect(answer).toMatchObject({ status: 503, body: { code: 'database-unreachable' } });
      expect(answer.tookMs).toBeLessThan(5_000);
    }
    expect((await desk.api('GET', '/health')).body.checks.database.code).toBe('database-unreachable');
    // The page itself needs no database; it shows what the API says of it.
    expect((await desk.api('GET', '/')).status).toBe(200);
    const last = (await blog.repo.git('show', 'HEAD:log.md')) as string;

    await sqld.restart();
    await untilRemoteHas(journey, blog, 'log.md', last);
    await eventually(
      'the desk to be reachable',
      async () => (await desk.api('GET', '/health')).status === 200,
    );
    await desk.untilState('blog', 'safe');
    await desk.untilState('notes', 'safe');
    await expectTwins(blog);
    await expectTwins(notes);
    const { history } = (await desk.api('GET', '/api/sync/history/blog')).body;
    expect(history[0]).toMatchObject({ remotes: [expect.objectContaining({ status: 'pushed' })] });
    const after = (await desk.api('GET', '/api/sync/status')).body.status.database;
    expect(after).toMatchObject({ reachable: true, owed: { total: 0 } });
    expect(await machinesOf(desk)).toEqual(['desk alive', 'laptop alive']);
  }, 240_000);

  test('killed in the middle of pushes: what was claimed is finished, and nobody is called dead for it', async () => {
    const blog = await journey.addProject('blog');
    const desk = await start('desk', [blog.path]);
    await desk.untilState('blog', 'safe');
    const held = journey.server.inject(/POST .*git-receive-pack/, { kind: 'held' });
    await blog.repo.write('cut.md', 'cut\n');
    await held.met;
    await sqld.kill();
    held.release();
    await untilRemoteHas(journey, blog, 'cut.md', 'cut\n');
    await sqld.restart();
    await eventually(
      'the desk to be reachable',
      async () => (await desk.api('GET', '/health')).status === 200,
    );
    await desk.untilState('blog', 'safe');
    await expectTwins(blog);
  }, 120_000);

  test('frozen: calls are answered soon all the same, saves are committed, and it goes on when it answers', async () => {
    const blog = await journey.addProject('blog');
    const desk = await start('desk', [blog.path]);
    await desk.untilState('blog', 'safe');
    await sqld.freeze();
    try {
      await blog.repo.write('cold.md', 'cold\n');
      await eventually('the save in a commit', () => headHas(blog, 'cold.md', 'cold\n'));
      await eventually('the outage to be known', async () => {
        const { body } = await desk.api('GET', '/api/sync/status');
        return body.status?.database.reachable === false;
      });
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => timed(desk.api('GET', '/api/sync/projects'))),
      );
      for (const answer of answers) {
        expect(answer.status).toBe(503);
        expect(answer.tookMs).toBeLessThan(5_000);
      }
    } finally {
      sqld.thaw();
    }
    await untilRemoteHas(journey, blog, 'cold.md', 'cold\n');
    await eventually(
      'the desk to be reachable',
      async () => (await desk.api('GET', '/health')).status === 200,
    );
    await desk.untilState('blog', 'safe');
  }, 120_000);

  test('a service may be stopped while the server is away', async () => {
    const blog = await journey.addProject('blog');
    const desk = await start('desk', [blog.path]);
    await desk.untilState('blog', 'safe');
    await sqld.kill();
    await blog.repo.write('last.md', 'last\n');
    await eventually('the save in a commit', () => headHas(blog, 'last.md', 'last\n'));
    expect(await desk.stop()).toBe(0);
    await sqld.restart();
    await start('desk');
    await untilRemoteHas(journey, blog, 'last.md', 'last\n');
  }, 120_000);

  test('a token that it does not accept is said at the start, and never shown', async () => {
    const token = foreignToken();
    const { code, out, err } = await runToEnd({
      dataDir: join(journey.folder, '.data-x'),
      env: { SYNC_DB_URL: sqld.url, SYNC_DB_AUTH_TOKEN: token },
    });
    expect(code).toBe(1);
    expect(out + err).toContain('SYNC_DB_AUTH_TOKEN');
    expect(out + err).not.toContain(token.slice(0, 30));
  });
});
