// The main job: a file is saved, and it is on the remote.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginJourney, expectTwins, type Journey, remoteFile, untilRemoteHas } from '../support/journey.ts';

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

test('a saved file reaches the remote, with history, author and a safe project', async () => {
  const project = await journey.addProject('blog');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('blog', 'safe');
  await expectTwins(project);

  await project.repo.write('post.md', 'first words\n');
  await untilRemoteHas(journey, project, 'post.md', 'first words\n');
  await service.until('a successful run', async () => {
    const { body } = await service.api('GET', '/api/sync/history/blog');
    return body.history[0]?.filesChanged === 1 && body.history[0].status === 'success';
  });
  const shown = await service.untilState('blog', 'safe');
  expect(shown).toMatchObject({
    branch: 'main',
    pendingFiles: 0,
    unpushedCommits: 0,
    hasPendingChanges: false,
  });
  expect(shown.lastSync).toMatchObject({ status: 'success' });
  expect((await project.repo.git('log', '-1', '--format=%an <%ae> %s')).trim()).toBe(
    'Ada Author <ada@example.com> Add post.md',
  );
  await expectTwins(project);
});

test('edits, deletions, modes, symlinks, renames and unicode names arrive as git would commit them', async () => {
  const project = await journey.addProject('site', {
    'a.txt': 'a\n',
    'dir/b.txt': 'b\n',
    'old.txt': 'old\n',
    'run.sh': 'echo\n',
  });
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('site', 'safe');
  const at = (name: string) => join(project.path, name);

  await writeFile(at('a.txt'), 'edited\n');
  await rm(at('dir'), { recursive: true });
  await rename(at('old.txt'), at('new.txt'));
  await chmod(at('run.sh'), 0o755);
  await symlink('new.txt', at('link'));
  await writeFile(at('Ünïcode — 名.txt'), 'ok\n');
  await untilRemoteHas(journey, project, 'Ünïcode — 名.txt', 'ok\n');
  await service.untilState('site', 'safe');
  await expectTwins(project);
  const tree = await project.repo.git('ls-tree', '-r', 'main');
  expect(tree).toContain('100755 blob');
  expect(tree).toContain('120000 blob');
  expect(tree).not.toContain('dir/b.txt');
});

test('links arrive as links, wherever they lead: to a pipe, past a file, to nothing', async () => {
  const project = await journey.addProject('links', { 'a.txt': 'a\n', '.gitignore': 'pipe\n' });
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('links', 'safe');
  const at = (name: string) => join(project.path, name);
  await promisify(execFile)('mkfifo', [at('pipe')]);
  const targets = { one: 'pipe', two: 'a.txt/below', three: '/proc/self', four: 'nowhere' };
  for (const [name, target] of Object.entries(targets)) await symlink(target, at(`${name}.link`));
  await untilRemoteHas(journey, project, 'four.link', 'nowhere');
  await service.untilState('links', 'safe');
  for (const [name, target] of Object.entries(targets))
    expect(await remoteFile(project, `${name}.link`)).toBe(target);
  await expectTwins(project);
});

test('named pipes and sockets stay, wherever they lie, and stop nothing', async () => {
  const project = await journey.addProject('pipes', { 'a.txt': 'a\n', 'dir/b.txt': 'b\n' });
  const at = (name: string) => join(project.path, name);
  const makePipes = (...names: string[]) => promisify(execFile)('mkfifo', names.map(at));
  await makePipes('before.pipe');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('pipes', 'safe');
  await makePipes('dir/.gitignore', 'later.pipe');
  const socket = createServer().listen(at('socket'));
  await once(socket, 'listening');
  await rm(at('a.txt'));
  await makePipes('a.txt');
  await writeFile(at('dir/b.txt'), 'edited\n');
  await untilRemoteHas(journey, project, 'dir/b.txt', 'edited\n');
  await service.untilState('pipes', 'safe');
  socket.close();
  // Git itself waits for ever for rules from a pipe, and cannot commit one in the place of a file.
  await rm(at('dir/.gitignore'));
  await rm(at('a.txt'));
  await project.repo.git('checkout', '--', 'a.txt');
  await expectTwins(project);
  const names = await project.repo.git('ls-tree', '-r', '--name-only', 'main');
  expect(names.trim().split('\n').sort()).toEqual(['a.txt', 'dir/b.txt', 'project.json']);
});

test('ignored files stay, and so do secrets, while the rest goes', async () => {
  const project = await journey.addProject('app', { '.gitignore': 'build/\n*.log\n' });
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('app', 'safe');

  await project.repo.write('build/out.js', 'built\n');
  await project.repo.write('debug.log', 'noise\n');
  await project.repo.write('.env', 'PASSWORD=hunter2-and-more\n');
  await project.repo.write('src/index.js', 'export {};\n');
  await untilRemoteHas(journey, project, 'src/index.js', 'export {};\n');
  const shown = await service.untilState('app', 'safe');
  expect(shown.heldFiles).toEqual([expect.objectContaining({ path: '.env' })]);
  const names = await project.repo.git('ls-tree', '-r', '--name-only', 'main');
  expect(names.trim().split('\n').sort()).toEqual(['.gitignore', 'project.json', 'src/index.js']);
});

test('a whole history with several branches goes up at first', async () => {
  const project = await journey.addProject('old', { 'a.txt': '1\n' });
  for (let n = 0; n < 20; n++) {
    await project.repo.write(`f${n}/x.txt`, `${n}\n`);
    await project.repo.git('add', '--all');
    await project.repo.git('commit', '--quiet', '--message', `commit ${n}`);
  }
  await project.repo.git('branch', 'side', 'HEAD~5');
  await project.repo.git('gc', '--quiet');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('old', 'safe');
  await expectTwins(project);
  await expectTwins({ ...project }, 'side').catch((error: Error) => {
    if (!error.message.includes('git status')) throw error;
  });
});

test('a person who commits and switches branches by hand is followed', async () => {
  const project = await journey.addProject('hand', { 'a.txt': '1\n' });
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('hand', 'safe');

  await project.repo.git('commit', '--quiet', '--allow-empty', '--message', 'by hand');
  const tip = (await project.repo.git('rev-parse', 'HEAD')).trim();
  await journey.server.waitForRef(project.remotePath, 'refs/heads/main', (oid) => oid === tip, 40_000);

  await project.repo.git('switch', '--quiet', '--create', 'topic');
  await project.repo.write('topic.txt', 'on topic\n');
  await untilRemoteHas(journey, project, 'topic.txt', 'on topic\n', { branch: 'topic' });
  await service.untilState('hand', 'safe');
  await project.repo.git('switch', '--quiet', 'main');
  await project.repo.write('main.txt', 'on main\n');
  await untilRemoteHas(journey, project, 'main.txt', 'on main\n');
  expect(await project.repo.git('log', '--format=%s', 'main..topic')).toContain('topic.txt');
});

test('bursts, new folders written into at once, atomic saves and renamed folders all arrive', async () => {
  const project = await journey.addProject('burst', { 'doc.txt': 'v0\n', 'was/here.txt': 'x\n' });
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('burst', 'safe');
  const at = (name: string) => join(project.path, name);

  await mkdir(at('deep/er/still'), { recursive: true });
  await writeFile(at('deep/er/still/file.txt'), 'at once\n');
  await writeFile(at('doc.txt.tmp'), 'v1\n');
  await rename(at('doc.txt.tmp'), at('doc.txt'));
  await rename(at('was'), at('is'));
  await untilRemoteHas(journey, project, 'deep/er/still/file.txt', 'at once\n');
  await untilRemoteHas(journey, project, 'doc.txt', 'v1\n');
  await untilRemoteHas(journey, project, 'is/here.txt', 'x\n');
  await untilRemoteHas(journey, project, 'was/here.txt', null);

  for (let folder = 0; folder < 100; folder++) {
    await mkdir(at(`burst/${folder}`), { recursive: true });
    await Promise.all(
      Array.from({ length: 100 }, (_, file) =>
        writeFile(at(`burst/${folder}/${file}.txt`), `${folder} ${file}\n`),
      ),
    );
  }
  await untilRemoteHas(journey, project, 'burst/99/99.txt', '99 99\n');
  await service.until('all 10,000 files', async () => {
    const names = await project.repo.git('ls-tree', '-r', '--name-only', 'main', 'burst/');
    return names.trim().split('\n').length === 10_000;
  });
  await service.untilState('burst', 'safe');
  await expectTwins(project);
}, 120_000);

test('a project added by the API, and one enabled by it, is synced at once', async () => {
  const added = await journey.addProject('added');
  const asleep = await journey.addProject('asleep');
  await asleep.repo.write(
    'project.json',
    '{"version": 2, "github": {"enabled": false, "syncBranches": ["*"]}}\n',
  );
  const service = await journey.start();
  const answer = await service.api('POST', '/api/sync/projects', { path: added.path });
  expect(answer.status).toBe(201);
  await service.untilState('added', 'safe');
  await service.api('POST', '/api/sync/projects', { path: asleep.path });
  expect((await service.project('asleep')).state).toBe('disabled');
  await service.api('PATCH', '/api/sync/projects/asleep', { github: { enabled: true } });
  await service.untilState('asleep', 'safe');
});
