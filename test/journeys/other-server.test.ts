// A server that is not git's own, from the first push to what others pushed: what a host's make may differ in on the wire.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hasDulwich, startDulwichServer } from '../support/dulwich-server.ts';
import { createGitRepo } from '../support/git-repo.ts';
import { beginJourney, expectTwins, type Journey } from '../support/journey.ts';

let journey: Journey;
const IS_THERE = hasDulwich();
if (!IS_THERE)
  console.warn('SKIPPED: python3-dulwich is not installed here, so a server of another make was not tested.');

beforeEach(async () => {
  journey = await beginJourney({ env: { SYNC_POLL_INTERVAL_MS: '1000' } });
});
afterEach(() => journey.end());

test.skipIf(!IS_THERE)(
  'a server of another make takes what is saved, tells what others pushed, and takes both sides',
  async () => {
    const server = await startDulwichServer('blog.git');
    try {
      const project = await journey.addProject('blog', { 'a.md': 'a\n', 'folder/b.md': 'b\n' });
      await project.repo.git('remote', 'set-url', 'origin', `${server.url}/blog.git`);
      const service = await journey.start({ folders: [project.path] });
      await service.untilState('blog', 'safe');
      const there = { ...project, remotePath: server.pathOf('blog.git') };
      await expectTwins(there);
      await project.repo.write('a.md', 'mine\n');
      await service.until(
        'my file',
        async () => (await project.repo.git('log', '-1', '--format=%s', '--', 'a.md')) !== '',
      );
      await service.untilState('blog', 'safe');
      const other = await createGitRepo({ clone: `${server.url}/blog.git` });
      expect(await readFile(join(other.path, 'a.md'), 'utf8')).toBe('mine\n');
      const push = async (name: string) => {
        await other.write(name, 'theirs\n');
        await other.git('add', '--all');
        await other.git('commit', '--quiet', '--message', name);
        await other.git('push', '--quiet', 'origin', 'main');
      };
      const isHere = async (name: string) => (await project.repo.git('ls-files')).includes(name);
      // Nothing is saved here: the server is asked.
      await push('theirs.md');
      await service.until('their file', () => isHere('theirs.md'));
      await push('more.md');
      await project.repo.write('b.md', 'at the same time\n');
      await service.until('both sides', async () => (await isHere('more.md')) && (await isHere('b.md')));
      await service.untilState('blog', 'safe');
      await expectTwins(there);
      await other.remove();
    } finally {
      await server.stop();
    }
  },
);
