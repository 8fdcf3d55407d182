// The commands on a real service with a real remote: what they do, what they print, and how they end.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginJourney, type Journey, type JourneyProject, untilRemoteHas } from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';
import { jsonOf, type RunOptions, runCli } from './run-cli.ts';

let journey: Journey;
let service: RunningService;
let blog: JourneyProject;
let database: string;

beforeAll(async () => {
  journey = await beginJourney();
  blog = await journey.addProject('blog');
  database = join(journey.dataDir, 'queue.db');
  service = await journey.start({ folders: [blog.path] });
  await service.untilState('blog', 'safe');
});
afterAll(() => journey.end());

const run = (words: string, options: RunOptions = {}) =>
  runCli([...words.split(' '), '--db', database], { homeDir: journey.folder, ...options });

test('sync --wait ends when the saved change is on the remote, and says so', async () => {
  await blog.repo.write('note.txt', 'one\n');
  const ran = await run('sync blog --wait --timeout 60');
  expect(ran).toMatchObject({ code: 0, err: '' });
  expect(ran.out).toContain('1 of 1 project safe.');
  await untilRemoteHas(journey, blog, 'note.txt', 'one\n');
});

test('status says in one sentence that all is safe; --json has the answer of the API', async () => {
  await service.untilState('blog', 'safe');
  const ran = await run('status --check');
  expect(ran).toMatchObject({ code: 0, err: '' });
  expect(ran.out).toMatch(/^The project is safe\.\ngitferry \S+ on \S+: syncing for /);
  const { body } = await service.api('GET', '/api/sync/status');
  const { status, isRunning } = jsonOf(await run('status --json'));
  expect(isRunning).toBe(true);
  expect(Object.keys(status).sort()).toEqual(Object.keys(body.status).sort());
});

test('who watches sees progress and colour; a pipe gets neither', async () => {
  const watched: RunOptions = { terminal: { out: true, error: true, columns: () => 80 } };
  const asked = await run('doctor', watched);
  const wiped = '\r\u001B[2K';
  const steps = asked.err.split(wiped);
  expect(steps).toContain('Looking at the machine');
  expect(steps.filter((step) => /^Looking at projects 0 of 1.*: blog$/.test(step))).toHaveLength(1);
  // What was shown is wiped, so that the answer stands alone.
  expect(asked.err.endsWith(wiped)).toBe(true);
  expect((await run('status', watched)).out).toContain('\u001B[32mThe project is safe.');
  expect((await run('status', { ...watched, env: { NO_COLOR: '1' } })).out).not.toContain('\u001B');
  for (const words of ['sync blog --wait --timeout 60', 'status', 'doctor', 'list']) {
    const piped = await run(words);
    expect(piped.err, words).toBe('');
    expect(piped.out, words).not.toContain('\u001B');
  }
});

test('list prints states and folders, or the ids alone', async () => {
  expect((await run('list')).out).toMatch(/^PROJECT .*\nblog +safe +main +- .* \S*blog\n$/s);
  expect((await run('list --ids')).out).toBe('blog\n');
  expect((await run('list --state blocked')).out).toBe('No project is blocked.\n');
  expect(await run('list --state nothing')).toMatchObject({ code: 2 });
});

test('a project is named by its id, its folder, or a folder inside of it', async () => {
  for (const words of ['blog', blog.path]) {
    expect(jsonOf(await run(`history ${words} --json`)).history.length).toBeGreaterThan(0);
  }
  const inside = await run('history . --json -n 1', { cwd: join(blog.path, '.git') });
  expect(jsonOf(inside).history).toHaveLength(1);
  const ran = await run('history nothing');
  expect(ran).toMatchObject({ code: 1, out: '' });
  expect(ran.err).toContain('"nothing" is no project, and in none. Projects: blog.');
  // Also where a person stands inside of a project: a slip must not take that one out.
  expect(await run('remove blgo', { cwd: blog.path })).toMatchObject({ code: 1 });
  expect((await run('list --ids')).out).toBe('blog\n');
});

test('log prints the last events in order, of one type when asked', async () => {
  const lines = (await run('log --json -n 4')).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(4);
  expect(lines.map(({ id }) => id)).toEqual(lines.map(({ id }) => id).sort((a, b) => a - b));
  const { out } = await run('log blog --types run.finished -n 1');
  expect(out).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}blog {2}run\.finished {2}.*status=\S+/);
});

test('pause and resume hold one project or all of them', async () => {
  expect((await run('pause blog --for 2h')).out).toMatch(/^blog is paused until 20/);
  expect((await service.project('blog')).state).toBe('paused');
  expect(await run('status --check')).toMatchObject({ code: 4 });
  expect((await run('resume blog')).out).toBe('blog goes on.\n');
  await service.untilState('blog', 'safe');
  expect((await run('pause')).out).toBe('All projects are paused until resumed.\n');
  expect((await run('status')).out).toMatch(/^0 of 1 project safe, 1 paused\.\n/);
  expect((await run('resume')).out).toBe('All projects go on.\n');
  expect(await run('pause blog --for ever')).toMatchObject({ code: 2 });
});

test('config reads, changes and takes back settings of the service and of a project', async () => {
  expect((await run('config get schedulerOptions.maxRetries')).out).toBe('3\n');
  expect((await run('config set schedulerOptions.maxRetries 5')).out).toBe(
    'schedulerOptions.maxRetries: 5\n',
  );
  expect((await run('config list')).out).toMatch(/schedulerOptions\.maxRetries +5 +saved/);
  expect((await run('config unset schedulerOptions.maxRetries')).out).toBe(
    'schedulerOptions.maxRetries: 3\n',
  );
  const faulty = await run('config set schedulerOptions.maxRetries 5000');
  expect(faulty).toMatchObject({ code: 1, out: '' });
  expect(faulty.err).toContain('schedulerOptions.maxRetries');
  expect(await run('config set nothing 1')).toMatchObject({ code: 1 });
  expect((await run('config set schedule.quietMs 50 --project blog')).code).toBe(0);
  expect((await run('config get schedule.quietMs --project blog')).out).toBe('50\n');
});

test('a held file is listed with its reason, and released', async () => {
  await blog.repo.write('.env', 'PASSWORD=not-for-others\n');
  await run('sync blog --wait --timeout 60');
  const { projects } = jsonOf(await run('hold list blog --json'));
  expect(projects).toMatchObject([{ projectId: 'blog', held: [{ path: '.env', releasable: true }] }]);
  expect((await run('status')).out).toContain(
    '\n1 file is held back on this machine: `gitferry hold list`.\n',
  );
  expect((await run('hold list')).out).toMatch(/^PROJECT .*\nblog +\.env +denied-name/);
  expect(await run('hold release blog')).toMatchObject({ code: 1 });
  expect((await run('hold release blog .env')).out).toBe('Released: .env.\n');
  await untilRemoteHas(journey, blog, '.env', 'PASSWORD=not-for-others\n');
});

test('a project that a person is needed for is described with the way out, and sync --wait ends with 4', async () => {
  await service.untilState('blog', 'safe');
  await blog.repo.git('switch', '--quiet', '--detach');
  const ran = await run('sync --wait --timeout 60');
  expect(ran.code).toBe(4);
  expect(ran.out).toMatch(/blog {2}blocked .*\n.*\(detached-head\)\n.*git switch main/);
  expect(ran.out).not.toContain('Then: ');
  const told = await run('log blog --types project.state -n 1');
  expect(told.out).toContain('state=blocked  stateReason=detached-head');
  expect(service.output.out + service.output.err).toContain('a project needs you');
  await blog.repo.git('switch', '--quiet', 'main');
  expect(await run('sync --wait --timeout 60')).toMatchObject({ code: 0 });
});

test('add takes a folder, remove forgets it and leaves its files', async () => {
  const notes = await journey.addProject('notes');
  const added = await run('add . --json', { cwd: notes.path });
  expect(jsonOf(added).project).toMatchObject({ projectId: 'notes', path: notes.path });
  await untilRemoteHas(journey, notes, 'README.md', '# hello\n');
  expect((await run('remove notes')).out).toContain('stays as it is');
  expect((await run('list --ids')).out).toBe('blog\n');
  const ran = await run('add /nowhere/at/all');
  expect(ran).toMatchObject({ code: 1, out: '' });
  expect(ran.err).toContain('/nowhere/at/all');
});

test('add --dry-run says what would be uploaded and what held back, and changes nothing', async () => {
  const draft = await journey.addProject('draft');
  await draft.repo.write('id_rsa', 'a key\n');
  const ran = await run('add . --dry-run', { cwd: draft.path });
  expect(ran).toMatchObject({ code: 0, err: '' });
  expect(ran.out).toMatch(
    /Would be uploaded .*2 files, [\s\S]*README\.md[\s\S]*Would stay here: 1 file\.\n {2}id_rsa/,
  );
  expect((await run('list --ids')).out).toBe('blog\n');
  expect(await journey.server.refOf(draft.remotePath, 'refs/heads/main')).toBeNull();
});

test('tokens are made, listed without their secrets, used, and revoked', async () => {
  const { secret, token } = jsonOf(await run('token add ada --role viewer --expires 90d --json'));
  expect(token).toMatchObject({ name: 'ada', role: 'viewer' });
  const { out } = await run('token list');
  expect(out).toMatch(/^NAME .*\nada +viewer/);
  expect(out).not.toContain(secret);
  const asAda = (words: string[]) =>
    runCli([...words, '--url', service.url], { env: { SYNC_API_TOKEN: secret } });
  expect(await asAda(['status'])).toMatchObject({ code: 0 });
  const refused = await asAda(['pause', 'blog']);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.err).toContain('forbidden-role');
  expect((await run('token revoke ada')).out).toBe('ada (viewer) is revoked.\n');
  expect(await asAda(['status'])).toMatchObject({ code: 1 });
  expect(await run('token revoke ada')).toMatchObject({ code: 1 });
});

test('backup names the copy', async () => {
  expect(jsonOf(await run('backup --json')).backup.path).toContain(join(journey.dataDir, 'backups'));
});

test('with --json a refusal is a document too', async () => {
  const ran = await run('history nothing --json');
  expect(ran.code).toBe(1);
  expect(jsonOf(ran)).toMatchObject({ success: false, code: 'project-not-found' });
});

test('an address where nothing answers ends with 3', async () => {
  const ran = await runCli(['status', '--url', 'http://127.0.0.1:9']);
  expect(ran.code).toBe(3);
  expect(ran.err).toContain('no-answer');
});

test('stop ends the service; afterwards its database is read, and nothing is changed', async () => {
  const stopped = await run('stop');
  expect(stopped.out).toBe(`The service (process ${service.pid}) has ended.\n`);
  const ran = await run('status');
  expect(ran.code).toBe(0);
  expect(ran.out).toContain('No service runs: this is from its database.');
  expect(ran.out).not.toContain('is safe');
  const [project] = jsonOf(await run('list --json')).projects;
  expect(project).toMatchObject({
    projectId: 'blog',
    state: 'pending',
    stateReason: { code: 'not-compared' },
  });
  for (const words of [
    'history --json',
    'queue --json',
    'hold list --json',
    'config list --json',
    'log --json',
  ]) {
    expect(await run(words), words).toMatchObject({ code: 0, err: '' });
  }
  for (const words of ['sync', 'pause', 'add .', 'config set port 1', 'stop', 'backup', 'log -f']) {
    const refused = await run(words);
    expect(refused, words).toMatchObject({ code: 3, out: '' });
    expect(refused.err, words).toContain('gitferry start');
  }
  expect(await runCli(['status', '--db', join(journey.folder, 'none.db')])).toMatchObject({ code: 3 });
});
