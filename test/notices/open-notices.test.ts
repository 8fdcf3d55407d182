// Notices from a project's state to where they go: real database and bus, a real web server, real programs. Only the
// clock is played.

import { createHmac } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEventBus } from '../../src/events/bus.ts';
import { systemClock } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { type Reason, reasonOf } from '../../src/model/failure.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { NOTICE_KINDS, type NoticeKind } from '../../src/model/notice.ts';
import { type HeldFile, NO_FACTS } from '../../src/model/project.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import type { Message } from '../../src/notices/message.ts';
import { type NoticePorts, type Notices, openNotices } from '../../src/notices/open-notices.ts';
import type { Database } from '../../src/store/database.ts';
import { appendEvents, eventBounds, readEvents } from '../../src/store/events.ts';
import { listNotices } from '../../src/store/notices.ts';
import { openDatabase } from '../../src/store/open.ts';
import { removeProject, saveFacts, saveProject } from '../../src/store/projects.ts';
import { databaseDeps } from '../support/database.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';

const GROUP_MS = 30_000;
const MINUTE_MS = 60_000;
const SECRET = 'a-secret-for-notices';
const forbidden = reasonOf('push-forbidden', 'Permission to octo/demo.git denied.');

let folder: string;
let db: Database;
let clock: ManualClock;
let bus: ReturnType<typeof createEventBus>;
const open: Notices[] = [];
const closers: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-notices-'));
  db = await openDatabase({ path: join(folder, 'queue.db') }, databaseDeps);
  clock = createManualClock();
  bus = createEventBus({
    read: (after, limit) => readEvents(db, { after, limit }),
    bounds: () => eventBounds(db),
    append: (events) => appendEvents(db, events),
    ...{ clock: systemClock, log: silentLog, pollMs: 60_000 },
  });
  await bus.start();
});
afterEach(async () => {
  for (const notices of open.splice(0)) await notices.stop();
  for (const close of closers.splice(0)) await close();
  await bus.stop();
  await db.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

type Settings = ReturnType<NoticePorts['settings']>;

async function start(settings: Partial<Settings> = {}): Promise<Notices> {
  const notices = openNotices({
    ...{ db, bus, clock, random: () => 0.5, log: silentLog, machineId: 'laptop', unsure: () => null },
    ...{
      env: { PATH: process.env.PATH, SYNC_API_TOKEN: 'hidden', HOME: folder },
      cwd: folder,
      userAgent: 'gitferry/test',
    },
    settings: () => ({
      ...{ noticeKinds: [...NOTICE_KINDS] as NoticeKind[], noticeUnsafeMinutes: 30, noticeGroupMs: GROUP_MS },
      ...{ noticeWebhookUrl: null, noticeWebhookSecret: null, noticeCommand: null, ...settings },
    }),
  });
  open.push(notices);
  await notices.start();
  return notices;
}

/** A web server that answers as told and keeps what it got. */
async function receiver() {
  const got: { headers: IncomingHttpHeaders; body: string; message: Message }[] = [];
  const answer = { status: 200, tries: 0 };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    answer.tries += 1;
    if (answer.status < 300) got.push({ headers: request.headers, body, message: JSON.parse(body) });
    response.writeHead(answer.status, { location: 'http://127.0.0.1:1/' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/very-secret-path`;
  return { got, answer, url };
}

type Found = { blocked?: Reason | null; pendingFiles?: number; held?: string[]; safe?: boolean };

/** Stores what a sync found, and tells of it. */
async function found(
  projectId: ProjectId,
  { blocked = null, pendingFiles = 0, held = [], safe = true }: Found,
) {
  const heldFiles = held.map((path): HeldFile => ({ path, reason: 'secret', rule: 'aws' }));
  const lastSafeAt = safe ? 1 : null;
  await saveFacts(db, projectId, { ...NO_FACTS, blocked, pendingFiles, heldFiles, lastSafeAt });
  await bus.publish([{ type: 'project.state', projectId }]);
}

const notices = async () => (await listNotices(db, { limit: 100, cursor: null })).notices.reverse();

/** Waits until it is so. What is due at once comes; otherwise the clock stands. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const nextMs = clock.nextTimerMs();
    if (nextMs !== null && nextMs <= 100) await clock.advance(nextMs);
  }
}
const untilListed = (kinds: NoticeKind[]) =>
  until(async () => (await notices()).map(({ kind }) => kind).join() === kinds.join());
async function add(name: string, machineId = 'laptop'): Promise<ProjectId> {
  const { projectId } = await saveProject(db, {
    ...{ projectName: name, machineId, path: `/home/u/${name}`, configHome: 'database' as const },
    github: GithubConfigSchema.parse({ enabled: true }),
    lane: { hostGate: 'host:github.com', credentialGate: 'cred:github.com' },
    lockKey: `path:/home/u/${name}`,
  });
  return projectId;
}

test('a project that needs a person is told by a signed webhook, gathered with others', async () => {
  const web = await receiver();
  const [blog, notes] = [await add('blog'), await add('notes')];
  await start({ noticeWebhookUrl: web.url, noticeWebhookSecret: SECRET });
  await found(blog, { blocked: forbidden });
  await found(notes, { held: ['.env'] });
  await untilListed(['needs-attention', 'secret-held']);
  expect(web.answer.tries).toBe(0);
  await clock.advance(GROUP_MS);
  await until(async () => web.got.length === 1);
  const [delivery] = web.got;
  const signature = createHmac('sha256', SECRET)
    .update(delivery?.body ?? '')
    .digest('hex');
  expect(delivery?.headers).toMatchObject({
    ...{ 'x-gitferry-signature-256': `sha256=${signature}`, 'user-agent': 'gitferry/test' },
    'x-gitferry-delivery': delivery?.message.id,
  });
  expect(delivery?.message).toMatchObject({
    machineId: 'laptop',
    title: 'gitferry on laptop: 2 notices',
    omitted: 0,
  });
  expect(delivery?.message.notices).toMatchObject([
    { projectId: 'blog', kind: 'needs-attention', code: 'push-forbidden', action: forbidden.action },
    { projectId: 'notes', kind: 'secret-held', detail: expect.stringContaining('.env') },
  ]);
  expect(delivery?.message.text).toContain('blog needs you. Permission to octo/demo.git denied. To do:');
});

test('a restart neither repeats nor loses a notice, and the recovery is told afterwards', async () => {
  const web = await receiver();
  const blog = await add('blog');
  const first = await start({ noticeWebhookUrl: web.url });
  await found(blog, { blocked: forbidden });
  await untilListed(['needs-attention']);
  await first.stop();
  // It was gathered and had not gone out.
  await start({ noticeWebhookUrl: web.url });
  await clock.advance(GROUP_MS);
  await until(async () => web.got.length === 1);
  await until(async () => ((await open.at(-1)?.targets())?.[0]?.waiting ?? 1) === 0);
  await open.at(-1)?.stop();
  await start({ noticeWebhookUrl: web.url });
  await found(blog, { blocked: forbidden });
  await found(blog, {});
  await untilListed(['needs-attention', 'recovered']);
  await clock.advance(GROUP_MS);
  await until(async () => web.got.length === 2);
  expect(web.got.flatMap(({ message }) => message.notices.map(({ kind }) => kind))).toEqual([
    'needs-attention',
    'recovered',
  ]);
});

test('what is over before it went out is not told', async () => {
  const web = await receiver();
  const blog = await add('blog');
  await start({ noticeWebhookUrl: web.url });
  await found(blog, { blocked: forbidden });
  await untilListed(['needs-attention']);
  await found(blog, {});
  await untilListed([]);
  await clock.advance(2 * GROUP_MS);
  expect(web.answer.tries).toBe(0);
});

test('a project that is unsafe for too long is told of once, unless a person was called anyway', async () => {
  const [slow, blocked] = [await add('slow'), await add('blocked')];
  await start();
  await found(slow, { pendingFiles: 1 });
  await found(blocked, { blocked: forbidden });
  await untilListed(['needs-attention']);
  await clock.advance(29 * MINUTE_MS);
  await untilListed(['needs-attention']);
  await clock.advance(2 * MINUTE_MS);
  await untilListed(['needs-attention', 'unsafe']);
  expect((await notices()).at(-1)).toMatchObject({
    projectId: slow,
    detail: expect.stringMatching(/^Since 20/),
  });
  await clock.advance(120 * MINUTE_MS);
  await untilListed(['needs-attention', 'unsafe']);
});

test('a target that fails is tried again with growing delays; what came meanwhile goes out as one', async () => {
  const web = await receiver();
  web.answer.status = 500;
  const projects = await Promise.all(Array.from({ length: 60 }, (_, index) => add(`p${index}`)));
  const running = await start({ noticeWebhookUrl: web.url });
  await found(projects[0] as ProjectId, { blocked: forbidden });
  await untilListed(['needs-attention']);
  await clock.advance(GROUP_MS);
  await until(async () => web.answer.tries === 1);
  await until(async () => (await running.targets())[0]?.failing?.attempts === 1);
  const [failing] = await running.targets();
  expect(failing?.failing?.error).toMatch(/^127\.0\.0\.1:\d+ answered 500\.$/);
  expect(JSON.stringify(failing)).not.toContain('very-secret-path');
  for (const projectId of projects.slice(1)) await found(projectId, { blocked: forbidden });
  await until(async () => (await notices()).length === 60);
  // Exactly to the next try: real requests are under way while the clock is moved.
  const nextTry = async () =>
    clock.advance(((await running.targets())[0]?.failing?.nextTryAt ?? 0) - clock.now());
  await nextTry();
  await until(async () => (await running.targets())[0]?.failing?.attempts === 2);
  const [again] = await running.targets();
  const delayMs = (again?.failing?.nextTryAt ?? 0) - clock.now();
  expect(delayMs).toBeGreaterThan(30_000);
  await clock.advance(GROUP_MS);
  await until(async () => (await notices()).every(({ state }) => state === 'released'));
  web.answer.status = 204;
  await nextTry();
  await until(async () => web.got.length === 1);
  expect(web.answer.tries).toBe(3);
  expect(web.got[0]?.message).toMatchObject({ title: 'gitferry on laptop: 60 notices', omitted: 10 });
  expect(web.got[0]?.message.notices).toHaveLength(50);
  await until(async () => (await running.targets())[0]?.failing === null);
});

test('a redirect is not followed', async () => {
  const web = await receiver();
  web.answer.status = 307;
  const running = await start({ noticeWebhookUrl: web.url });
  expect(await running.test()).toEqual([
    { target: 'webhook', ok: false, detail: expect.stringMatching(/answered 307/) },
  ]);
});

test('each machine tells of its own projects; one that is removed is forgotten', async () => {
  const theirs = await add('theirs', 'desk');
  const ours = await add('ours');
  await start();
  await found(theirs, { blocked: forbidden });
  await found(ours, { blocked: forbidden });
  await untilListed(['needs-attention']);
  expect((await notices())[0]?.projectId).toBe(ours);
  await removeProject(db, ours);
  await open.at(-1)?.stop();
  await start();
  await until(async () => (await db.run('SELECT 1 FROM notice_conditions')).length === 0);
});

async function script(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

test('a command gets the message on its standard input, its arguments untouched by any shell, and no secrets', async () => {
  const program = await script('tell', 'cat > got.json\nprintf "%s|" "$@" > got.args\nenv > got.env');
  const running = await start({ noticeCommand: [program, '$(touch evil)', 'a b', ';'] });
  expect(await running.test()).toEqual([{ target: 'command', ok: true, detail: expect.any(String) }]);
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  expect(JSON.parse(await read('got.json'))).toMatchObject({
    machineId: 'laptop',
    notices: [],
    id: expect.any(String),
  });
  expect(await read('got.args')).toBe('$(touch evil)|a b|;|');
  expect(await read('got.env')).toContain('GITFERRY_NOTICE_TITLE=gitferry on laptop: test');
  expect(await read('got.env')).not.toContain('hidden');
});

test.each<[string, string | null, RegExp]>([
  [
    'ends badly',
    'echo "no token ghp_0123456789abcdefghij" >&2; exit 3',
    /ended with 3: no token \[redacted\]$/,
  ],
  ['is not there', null, /could not be started/],
])('a command that %s is named with the reason', async (_what, text, detail) => {
  const program = text === null ? join(folder, 'nothing') : await script('fails', text);
  const running = await start({ noticeCommand: [program] });
  expect(await running.test()).toEqual([
    { target: 'command', ok: false, detail: expect.stringMatching(detail) },
  ]);
});

test('a command that leaves something running has ended when it has ended', async () => {
  const program = await script('leaves', 'sleep 600 & echo $! > left.pid; exit 0');
  const failing = await script('fails', 'echo broken >&2; sleep 600 & echo $! > left.pid; exit 4');
  const running = await start({ noticeCommand: [program] });
  const pid = async () => Number(await readFile(join(folder, 'left.pid'), 'utf8'));
  const result = running.test();
  let isOver = false;
  void result.then(() => {
    isOver = true;
  });
  await until(async () => isOver);
  expect(await result).toEqual([{ target: 'command', ok: true, detail: expect.any(String) }]);
  process.kill(await pid());
  const other = (await start({ noticeCommand: [failing] })).test();
  isOver = false;
  void other.then(() => {
    isOver = true;
  });
  // Its output never ends; what it said until it ended is waited for a moment only.
  await until(async () => {
    if (clock.waiting(200) > 0) await clock.advance(200);
    return isOver;
  });
  expect(await other).toMatchObject([{ ok: false, detail: expect.stringMatching(/ended with 4: broken$/) }]);
  process.kill(await pid());
});

test('what a command leaves running may still write to its standard error', async () => {
  const background = '(read -r _ < go; echo late >&2; echo yes > late) &';
  const running = await start({ noticeCommand: [await script('leaves', `mkfifo go; ${background} exit 0`)] });
  expect(await running.test()).toMatchObject([{ target: 'command', ok: true }]);
  await writeFile(join(folder, 'go'), 'on\n');
  await until(() =>
    readFile(join(folder, 'late'), 'utf8').then(
      (text) => text === 'yes\n',
      () => false,
    ),
  );
});

test('a command gets a long message whole, and says in its variable where it was cut', async () => {
  const program = await script('tell', 'cat > got.json; printf %s "$GITFERRY_NOTICE_TEXT" > got.text');
  const projects = await Promise.all(Array.from({ length: 40 }, (_, index) => add(`p${index}`)));
  await start({ noticeCommand: [program] });
  const long = reasonOf('push-forbidden', 'é'.repeat(4_000));
  for (const projectId of projects) await found(projectId, { blocked: long });
  await until(async () => (await notices()).length === 40);
  await clock.advance(GROUP_MS);
  await until(async () => (await open.at(-1)?.targets())?.[0]?.lastSentAt != null);
  const { text } = JSON.parse(await readFile(join(folder, 'got.json'), 'utf8')) as Message;
  expect(Buffer.byteLength(text)).toBeGreaterThan(300_000);
  const got = await readFile(join(folder, 'got.text'), 'utf8');
  expect(got).toMatch(/é\n… cut here; all of it is on standard input\.$/);
  expect(text.startsWith(got.replace(/\n… cut here.*$/s, ''))).toBe(true);
});

test('what was missed of the events is told all the same', async () => {
  const projects = await Promise.all(Array.from({ length: 3 }, (_, index) => add(`p${index}`)));
  const [first, second, third] = projects as [ProjectId, ProjectId, ProjectId];
  let miss = () => {};
  const { follow } = bus;
  bus.follow = (options) => {
    miss = options.onMissed;
    return follow.call(bus, options);
  };
  await start();
  await found(first, { blocked: forbidden });
  await untilListed(['needs-attention']);
  await saveFacts(db, second, { ...NO_FACTS, blocked: forbidden, lastSafeAt: 1 });
  miss();
  await untilListed(['needs-attention', 'needs-attention']);
  await found(third, { blocked: forbidden });
  await untilListed(['needs-attention', 'needs-attention', 'needs-attention']);
});

test('without a target a test says so; notices are listed all the same', async () => {
  const running = await start();
  await expect(running.test()).rejects.toMatchObject({ code: 'notice-targets-missing' });
  await found(await add('blog'), { blocked: forbidden });
  await untilListed(['needs-attention']);
  expect(await running.targets()).toEqual([]);
});

const ROOT = new URL('../../', import.meta.url).pathname;

test('the script for desktops hands title and text over as arguments', async () => {
  await script('notify-send', 'printf "%s\\n" "$@" > shown');
  const running = openNotices({
    ...{ db, bus, clock, random: () => 0.5, log: silentLog, machineId: 'laptop', unsure: () => null },
    ...{ env: { PATH: `${folder}:${process.env.PATH}` }, cwd: folder, userAgent: 'gitferry/test' },
    settings: () => ({
      ...{
        noticeKinds: [],
        noticeUnsafeMinutes: 0,
        noticeGroupMs: 0,
        noticeWebhookUrl: null,
        noticeWebhookSecret: null,
      },
      noticeCommand: [join(ROOT, 'scripts/notify/desktop.sh')],
    }),
  });
  expect(await running.test()).toMatchObject([{ ok: true }]);
  const shown = (await readFile(join(folder, 'shown'), 'utf8')).split('\n');
  expect(shown.slice(0, 4)).toEqual([
    ...['--app-name=gitferry', '--', 'gitferry on laptop: test'],
    expect.stringContaining('This is a test.'),
  ]);
});

test('the script for e-mail gives sendmail a whole message', async () => {
  const sendmail = await script('sendmail', 'printf "%s|" "$@" > mail.args; cat > mail.txt');
  const running = openNotices({
    ...{ db, bus, clock, random: () => 0.5, log: silentLog, machineId: 'laptop', unsure: () => null },
    ...{ env: { PATH: process.env.PATH, SENDMAIL: sendmail }, cwd: folder, userAgent: 'gitferry/test' },
    settings: () => ({
      ...{
        noticeKinds: [],
        noticeUnsafeMinutes: 0,
        noticeGroupMs: 0,
        noticeWebhookUrl: null,
        noticeWebhookSecret: null,
      },
      noticeCommand: [join(ROOT, 'scripts/notify/mail.sh'), 'ada@example.org', 'ferry@example.org'],
    }),
  });
  expect(await running.test()).toMatchObject([{ ok: true }]);
  expect(await readFile(join(folder, 'mail.args'), 'utf8')).toBe(
    '-i|-f|ferry@example.org|--|ada@example.org|',
  );
  const [head = '', body] = (await readFile(join(folder, 'mail.txt'), 'utf8')).split('\n\n');
  expect(head.split('\n')).toEqual(
    expect.arrayContaining([
      'To: ada@example.org',
      'From: ferry@example.org',
      'Subject: gitferry on laptop: test',
    ]),
  );
  expect(body).toContain('This is a test.');
});
