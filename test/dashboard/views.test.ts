// Every view on a real service with real projects in several states, in a real Chromium.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGitRepo } from '../support/git-repo.ts';
import { beginJourney, type Journey, projectFile, untilRemoteHas } from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';
import {
  expectAccessible,
  expectNoOverflow,
  goTo,
  hasChromium,
  openChromium,
  shoot,
  visit,
} from './chromium.ts';

const VIEWS = [
  ['overview', '#/', /needs you|on the way|safe/],
  ['project', '#/projects/blog', 'blog'],
  ['held files', '#/projects/notes/files', /held back/],
  ['conflict', '#/projects/shared/files', /Both sides changed/],
  ['snapshots', '#/projects/draft/snapshots', 'draft'],
  ['remotes', '#/projects/blog/remotes', 'blog'],
  ['project settings', '#/projects/blog/settings', 'blog'],
  ['queue', '#/queue', 'Queue'],
  ['history', '#/history', 'History'],
  ['metrics', '#/metrics', 'Metrics'],
  ['add', '#/add', 'Add projects'],
  ['machines', '#/machines', 'Machines'],
  ['notices', '#/notices', 'Notices'],
  ['settings', '#/settings', 'Settings'],
  ['people', '#/people', 'People'],
  ['audit', '#/audit', 'Audit'],
  ['log', '#/log', 'Log'],
] as const;

const SIZES = [
  { name: 'phone', viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  { name: 'desk', viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  { name: 'desk-dark', viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  { name: '4k', viewport: { width: 3840, height: 2160 }, colorScheme: 'light' },
] as const;

describe.skipIf(!hasChromium)('the page in Chromium', () => {
  let journey: Journey;
  let service: RunningService;
  let browser: Browser;
  beforeAll(async () => {
    [journey, browser] = await Promise.all([beginJourney(), openChromium()]);
    service = await startWithProjects(journey);
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await journey?.end();
  });

  test.each(SIZES)(
    'every view fits, can be read and breaks no rule: $name',
    async ({ name, ...size }) => {
      const { page, expectNoFaults, close } = await visit(browser, service.url, size);
      for (const [view, hash, heading] of VIEWS) {
        await goTo(page, hash, heading);
        await page.waitForLoadState('networkidle');
        await shoot(page, `${name} ${view}`, view !== 'overview');
        await expectNoOverflow(page);
        await expectAccessible(page);
      }
      expectNoFaults();
      await close();
    },
    240_000,
  );

  test('the first load is at most 150 kB, paints within a second and asks nobody else', async () => {
    const { page, expectNoFaults, close } = await visit(browser, service.url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const { bytes, paintMs } = await page.evaluate(() => ({
      bytes: performance
        .getEntriesByType('resource')
        .filter(({ name }) => name.includes('/assets/'))
        .reduce((sum, entry) => sum + (entry as PerformanceResourceTiming).transferSize, 0),
      paintMs: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
    }));
    expect(bytes).toBeGreaterThan(1_000);
    expect(bytes).toBeLessThanOrEqual(150_000);
    expect(paintMs).toBeLessThan(1_000);
    expectNoFaults();
    await close();
  });
});

/** blog is safe, notes holds a secret, shared is in conflict, draft takes snapshots. */
async function startWithProjects(journey: Journey): Promise<RunningService> {
  const blog = await journey.addProject('blog');
  const notes = await journey.addProject('notes');
  const shared = await journey.addProject('shared', { 'a.md': 'a\n' });
  const draft = await journey.addProject('draft');
  await draft.repo.write(
    'project.json',
    projectFile({ quietMs: 100, minIntervalMs: 0 }, { mode: 'snapshot' }),
  );
  await draft.repo.git('commit', '--quiet', '--all', '--message', 'take snapshots');
  await notes.repo.write('keys.txt', `token = ghp_${'a1B2c3D4e5F6'.repeat(3)}\n`);
  const folders = [blog, notes, shared, draft].map(({ path }) => path);
  const service = await journey.start({ folders, env: { SYNC_MACHINE_ID: 'laptop' } });
  await service.untilState('shared', 'safe');
  const other = await createGitRepo({ clone: shared.remotePath });
  await other.write('a.md', 'theirs\n');
  await other.git('commit', '--quiet', '--all', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
  await other.remove();
  await shared.repo.write('a.md', 'ours\n');
  await draft.repo.write('chapter.md', 'It was a dark night.\n');
  await service.untilState('shared', 'conflict');
  await blog.repo.write('post.md', 'hello\n');
  await untilRemoteHas(journey, blog, 'post.md', 'hello\n');
  await service.until('the secret is held', async () => {
    const { heldFiles } = await service.project('notes');
    return heldFiles.length > 0;
  });
  await service.until('a snapshot', async () => {
    const { body } = await service.api('GET', '/api/sync/projects/draft/snapshots');
    return body.snapshots?.length > 0;
  });
  return service;
}
