// What a person does on the page, on a real service with a real git server, in a real Chromium.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEmulator } from 'emulate';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createGitRepo } from '../support/git-repo.ts';
import { beginJourney, type Journey, projectFile, remoteFile, untilRemoteHas } from '../support/journey.ts';
import { expectAccessible, goTo, hasChromium, openChromium, shoot, visit } from './chromium.ts';

const SECRET = `token = ghp_${'a1B2c3D4e5F6'.repeat(3)}\n`;

describe.skipIf(!hasChromium)('journeys on the page', () => {
  let browser: Browser;
  let journey: Journey;
  beforeAll(async () => {
    browser = await openChromium();
  });
  beforeEach(async () => {
    journey = await beginJourney();
  });
  afterEach(() => journey.end());
  afterAll(() => browser?.close());

  test('a saved file is seen from pending to safe, and two windows agree', async () => {
    const project = await journey.addProject('blog');
    const service = await journey.start({ folders: [project.path] });
    await service.untilState('blog', 'safe');
    const [first, second] = [await visit(browser, service.url), await visit(browser, service.url)];
    for (const { page } of [first, second]) await heading(page, 'Your project is safe');
    await first.page.getByRole('link', { name: 'blog' }).click();
    await project.repo.write('post.md', 'hello\n');
    await untilRemoteHas(journey, project, 'post.md', 'hello\n');
    await first.page.getByText('1 file ·').first().waitFor();
    await first.page.getByText('pushed to origin').nth(1).waitFor();
    await heading(second.page, 'Your project is safe');
    for (const window of [first, second]) {
      window.expectNoFaults();
      await window.close();
    }
  });

  test('the queue shows what runs, how far it has come, and when it is done', async () => {
    const project = await journey.addProject('blog');
    const service = await journey.start({ folders: [project.path] });
    await service.untilState('blog', 'safe');
    const { page, expectNoFaults, close } = await visit(browser, `${service.url}/#/queue`);
    await page.getByText('Nothing runs.').waitFor();
    const slow = journey.server.inject(/blog.*git-receive-pack/, { kind: 'held' });
    await project.repo.write('post.md', 'hello\n');
    await slow.met;
    await page.locator('.jobs .progress').getByText('pushes').waitFor();
    await expectAccessible(page);
    slow.release();
    await untilRemoteHas(journey, project, 'post.md', 'hello\n');
    await page.getByText('Nothing runs.').waitFor();
    expectNoFaults();
    await close();
  });

  test('pausing shows at once and survives; going on brings what was saved meanwhile', async () => {
    const project = await journey.addProject('blog');
    const service = await journey.start({ folders: [project.path] });
    await service.untilState('blog', 'safe');
    const { page, expectNoFaults, close } = await visit(browser, service.url);
    await page.getByLabel('Pause blog').selectOption('hour');
    await heading(page, '1 project paused');
    await service.untilState('blog', 'paused');
    await project.repo.write('post.md', 'while paused\n');
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await untilRemoteHas(journey, project, 'post.md', 'while paused\n');
    await heading(page, 'Your project is safe');
    expectNoFaults();
    await close();
  });

  test('a held secret is named with its reason, and leaves only after a second word', async () => {
    const project = await journey.addProject('notes');
    const service = await journey.start({ folders: [project.path] });
    await service.untilState('notes', 'safe');
    const { page, expectNoFaults, close } = await visit(browser, service.url);
    await project.repo.write('keys.txt', SECRET);
    await page.getByText('1 file: keys.txt').waitFor();
    await goTo(page, '#/projects/notes/files', '1 file held back');
    await page.getByText('looks as if it held a secret in line 1').waitFor();
    await page.getByRole('button', { name: 'Release once' }).click();
    const dialog = page.getByRole('dialog', { name: /Let keys.txt leave/ });
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await remoteFile(project, 'keys.txt')).toBeNull();
    await page.getByRole('button', { name: 'Release once' }).click();
    await dialog.getByRole('button', { name: 'Release it' }).click();
    await untilRemoteHas(journey, project, 'keys.txt', SECRET);
    await page.getByText('Nothing waits for your decision.').waitFor();
    expect(await page.content()).not.toContain('ghp_');
    expectNoFaults();
    await close();
  });

  test('many deletions wait for a word, and reach the remote after it', async () => {
    const files = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`notes/${n}.md`, `${n}\n`]));
    const project = await journey.addProject('tidy', files);
    const service = await journey.start({ folders: [project.path] });
    await service.untilState('tidy', 'safe');
    const { page, expectNoFaults, close } = await visit(browser, service.url);
    await rm(join(project.path, 'notes'), { recursive: true });
    await page.getByRole('link', { name: 'Look at the deletions' }).click();
    await page.getByRole('heading', { name: /^20 of \d+ files are gone$/ }).waitFor();
    await page.getByRole('button', { name: 'I deleted them' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Push the deletions' }).click();
    await untilRemoteHas(journey, project, 'notes/1.md', null);
    await page.getByText('Nothing waits for your decision.').waitFor();
    expectNoFaults();
    await close();
  });

  test('all projects are paused and go on together', async () => {
    const projects = [await journey.addProject('one'), await journey.addProject('two')];
    const service = await journey.start({ folders: projects.map(({ path }) => path) });
    for (const { id } of projects) await service.untilState(id, 'safe');
    const { page, expectNoFaults, close } = await visit(browser, service.url);
    await page.getByLabel('Pause all projects').selectOption('always');
    await heading(page, '2 projects paused');
    for (const { id } of projects) expect((await service.project(id)).state).toBe('paused');
    await page.getByRole('button', { name: 'Resume all' }).click();
    await heading(page, 'All 2 projects are safe');
    expectNoFaults();
    await close();
  });

  test('a conflict is shown, a version is chosen, and both sides are one again', async () => {
    const project = await journey.addProject('shared', { 'a.md': 'a\n' });
    const service = await journey.start({ folders: [project.path] });
    await service.untilState('shared', 'safe');
    await colleaguePushes(project.remotePath);
    const { page, expectNoFaults, close } = await visit(browser, service.url);
    await project.repo.write('a.md', 'ours\n');
    await heading(page, '1 project needs you');
    await page.getByRole('link', { name: 'Choose whose version' }).click();
    await page.getByText('-theirs').waitFor();
    await page.getByText('+ours').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: /^Take mine/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take mine' }).click();
    await untilRemoteHas(journey, project, 'a.md', 'ours\n');
    await page.getByText('Nothing waits for your decision.').waitFor();
    expectNoFaults();
    await close();
  });

  test('an older text is brought back from a snapshot, after seeing what changed', async () => {
    const project = await journey.addProject('draft');
    await project.repo.write(
      'project.json',
      projectFile({ quietMs: 100, minIntervalMs: 0 }, { mode: 'snapshot' }),
    );
    await project.repo.git('commit', '--quiet', '--all', '--message', 'take snapshots');
    const service = await journey.start({ folders: [project.path] });
    await service.untilState('draft', 'safe');
    const count = async () =>
      (await service.api('GET', '/api/sync/projects/draft/snapshots')).body.snapshots.length;
    const before = await count();
    await project.repo.write('chapter.md', 'the first words\n');
    await service.until('a snapshot', async () => (await count()) > before);
    await project.repo.write('chapter.md', 'worse words\n');
    await service.until('another snapshot', async () => (await count()) > before + 1);
    const { page, expectNoFaults, close } = await visit(browser, `${service.url}/#/projects/draft/snapshots`);
    await page.getByRole('list', { name: 'Snapshots' }).getByRole('button').nth(1).click();
    await page.getByText('-the first words').waitFor();
    await page.getByText('+worse words').waitFor();
    await expectAccessible(page);
    await shoot(page, 'snapshot');
    await page.getByRole('button', { name: 'Bring this file back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Bring it back' }).click();
    await page.getByText('1 file brought back.').waitFor();
    expect(await readFile(join(project.path, 'chapter.md'), 'utf8')).toBe('the first words\n');
    expectNoFaults();
    await close();
  });

  test('a setting that cannot be used is refused at its field; a good one is saved to project.json', async () => {
    const project = await journey.addProject('blog');
    const service = await journey.start({ folders: [project.path] });
    await service.untilState('blog', 'safe');
    const { page, expectNoFaults, close } = await visit(browser, `${service.url}/#/projects/blog/settings`);
    const quiet = page.getByLabel('Quiet ms');
    expect(await quiet.inputValue()).toBe('100');
    await quiet.fill('-5');
    await page.getByRole('button', { name: 'Save 1 change' }).click();
    await page
      .locator('.has-fault')
      .getByText(/>=\s*0|at least 0/)
      .waitFor();
    expect(await quiet.getAttribute('aria-invalid')).toBe('true');
    await expectAccessible(page);
    await quiet.fill('700');
    await page.getByRole('button', { name: 'Save 1 change' }).click();
    await page.getByText('Saved.').waitFor();
    expect(
      JSON.parse(await readFile(join(project.path, 'project.json'), 'utf8')).github.schedule.quietMs,
    ).toBe(700);
    // The refusal is an answer that the browser itself writes to its console.
    expectNoFaults(/status of 400/);
    await close();
  });

  test('settings of the service apply live, and masked secrets are not sent back', async () => {
    const service = await journey.start({ env: { SYNC_TOKENS: '{"git.example":"hidden-token-value"}' } });
    const { page, expectNoFaults, close } = await visit(browser, `${service.url}/#/settings`);
    await page.getByLabel(/^Tokens/).waitFor();
    expect(await page.getByLabel(/^Tokens/).inputValue()).toBe('');
    await page.getByText('set, not shown').waitFor();
    await page.getByLabel('Max concurrent syncs').fill('7');
    await page.getByRole('button', { name: 'Save 1 change' }).click();
    await page.getByText('Saved, and in force now.').waitFor();
    const { body } = await service.api('GET', '/api/sync/config');
    expect(body.config.schedulerOptions.maxConcurrentSyncs).toBe(7);
    expect(body.config.tokens).toEqual({ 'git.example': '********' });
    expectNoFaults();
    await close();
  });

  test('a first visit leads from the token over a folder to the first sync', async () => {
    const project = await journey.addProject('novel');
    await project.repo.git('rm', '--quiet', '--force', 'project.json');
    await project.repo.git('commit', '--quiet', '--message', 'no settings yet');
    const token = 'a-token-of-the-test-0001';
    const service = await journey.start({ env: { SYNC_API_TOKEN: token, SYNC_ROOTS: journey.folder } });
    const { page, expectNoFaults, close } = await visit(browser, service.url);
    await expectAccessible(page);
    await page.getByLabel('Token').fill('wrong-token-wrong-token');
    await page.getByRole('button', { name: 'Show the projects' }).click();
    await page.getByText('This token was not accepted.').waitFor();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Show the projects' }).click();
    await heading(page, 'No project is synced yet');
    await expectAccessible(page);
    await shoot(page, 'first visit');
    await page.getByLabel(/novel/).check();
    await page.getByRole('button', { name: 'Add 1 folder' }).click();
    await heading(page, 'Your project is safe');
    await untilRemoteHas(journey, project, 'README.md', '# hello\n');
    expectNoFaults(/status of 401/);
    await close();
  });

  test('a folder is looked at before it is added: what would go, what would stay', async () => {
    const project = await journey.addProject('novel');
    await project.repo.write('keys.txt', SECRET);
    await project.repo.write('chapter.md', 'It was a dark night.\n');
    const service = await journey.start();
    const { page, expectNoFaults, close } = await visit(browser, `${service.url}/#/add`);
    const path = page.getByLabel('Path of a folder');
    await path.fill(join(journey.folder, 'nowhere'));
    await page.getByRole('button', { name: 'Look at it' }).click();
    await page
      .locator('.fault')
      .getByText(/nowhere/)
      .waitFor();
    await path.fill(project.path);
    await page.getByRole('button', { name: 'Look at it' }).click();
    await page.getByText('1 file would stay on this machine').waitFor();
    await page.getByText('looks as if it held a secret').waitFor();
    await page.getByText(/\d+ files? .* would go/).waitFor();
    await expectAccessible(page);
    await shoot(page, 'look at a folder');
    await page.getByRole('button', { name: 'Add and sync' }).click();
    await page.getByText('its first sync is queued').waitFor();
    await untilRemoteHas(journey, project, 'chapter.md', 'It was a dark night.\n');
    expect(await remoteFile(project, 'keys.txt')).toBeNull();
    expectNoFaults(/status of 422/);
    await close();
  });

  test('a folder that is no repository becomes one, with a private one on the host, when a person wants it', async () => {
    const token = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';
    const github = await createEmulator({
      ...{ service: 'github', port: 0, hostname: '127.0.0.1' },
      seed: {
        tokens: { [token]: { login: 'ada', scopes: ['repo'] } },
        github: { users: [{ login: 'ada' }] },
      },
    });
    try {
      const folder = join(journey.folder, 'my novel');
      await mkdir(folder);
      await writeFile(join(folder, 'chapter.md'), 'It was a dark night.\n');
      const apis = JSON.stringify({ 'github.com': github.url });
      const service = await journey.start({ env: { GITHUB_TOKEN: token, SYNC_GITHUB_APIS: apis } });
      const { page, expectNoFaults, close } = await visit(browser, `${service.url}/#/add`);
      await page.getByText('account ada').waitFor();
      await page.getByLabel('Path of a folder').fill(folder);
      await page.getByRole('button', { name: 'Look at it' }).click();
      await page.getByText('It is no git repository yet').waitFor();
      await page.getByLabel('Make a private repository for it on GitHub').check();
      expect(await page.getByLabel('Its name').inputValue()).toBe('my-novel');
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Make it, add and sync' }).click();
      await page.getByText('its first sync is queued').waitFor();
      const headers = { authorization: `token ${token}` };
      const made = await (await fetch(`${github.url}/repos/ada/my-novel`, { headers })).json();
      expect(made).toMatchObject({ full_name: 'ada/my-novel', private: true });
      const { body } = await service.api('GET', '/api/sync/projects?q=novel');
      expect(body.projects[0].github.remoteUrl).toBe(made.clone_url);
      expect(await page.content()).not.toContain(token);
      expectNoFaults();
      await close();
    } finally {
      await github.close();
    }
  });

  async function colleaguePushes(remotePath: string): Promise<void> {
    const other = await createGitRepo({ clone: remotePath });
    await other.write('a.md', 'theirs\n');
    await other.git('commit', '--quiet', '--all', '--message', 'theirs');
    await other.git('push', '--quiet', 'origin', 'main');
    await other.remove();
  }
});

async function heading(page: Page, name: string): Promise<void> {
  await page.getByRole('heading', { name }).waitFor();
}
