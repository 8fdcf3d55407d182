// A thousand projects: found, filtered, walked through by keys and scrolled, with only some rows in the document.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import { openDatabase } from '../../src/store/open.ts';
import { saveProject } from '../../src/store/projects.ts';
import { databaseDeps } from '../support/database.ts';
import { beginJourney, type Journey } from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';
import { expectAccessible, hasChromium, openChromium, shoot, visit } from './chromium.ts';

const COUNT = 1_000;

describe.skipIf(!hasChromium)('a thousand projects', () => {
  let browser: Browser;
  let journey: Journey;
  let service: RunningService;
  beforeAll(async () => {
    [journey, browser] = await Promise.all([beginJourney(), openChromium()]);
    await fillDatabase(journey);
    service = await journey.start({ env: { SYNC_AUTO_START: 'false', SYNC_MACHINE_ID: 'desk' } });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await journey?.end();
  });

  const shownRows = (page: Page) => page.locator('.rows .row').count();

  test('only rows near the window exist, scrolling brings the others, and search finds one', async () => {
    const { page, expectNoFaults, close } = await visit(browser, service.url);
    await page.getByText('1,000 projects').first().waitFor();
    expect(await shownRows(page)).toBeLessThan(60);
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await page.getByRole('link', { name: 'project 0999' }).waitFor();
    expect(await shownRows(page)).toBeLessThan(60);
    await expectAccessible(page);
    await shoot(page, 'thousand');
    await page.evaluate(() => scrollTo(0, 0));
    await page.keyboard.press('/');
    await page.keyboard.type('0417');
    await page.getByText('1 of 1,000 projects').waitFor();
    expect(await shownRows(page)).toBe(1);
    expectNoFaults();
    await close();
  });

  test('the arrow keys walk through the list, also beyond what is drawn, and Enter opens', async () => {
    const { page, expectNoFaults, close } = await visit(browser, service.url);
    await page.getByLabel('Sort by').selectOption('name');
    await page.getByRole('link', { name: 'project 0000' }).focus();
    for (let step = 1; step <= 40; step += 1) {
      await page.keyboard.press('ArrowDown');
      const name = `project ${String(step).padStart(4, '0')}`;
      await page.waitForFunction((wanted) => document.activeElement?.textContent === wanted, name);
    }
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'project 0040' }).waitFor();
    expectNoFaults();
    await close();
  });

  test('each letter typed into the search is answered within half a second', async () => {
    const { page, expectNoFaults, close } = await visit(browser, service.url);
    await page.getByText('1,000 projects').first().waitFor();
    const longestMs = await page.evaluate(async () => {
      const search = document.querySelector('input[type=search]') as HTMLInputElement;
      let longest = 0;
      for (const text of ['p', 'pr', 'project 0', 'project 05', '']) {
        const before = performance.now();
        search.value = text;
        search.dispatchEvent(new InputEvent('input', { bubbles: true }));
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        longest = Math.max(longest, performance.now() - before);
      }
      return longest;
    });
    expect(longestMs).toBeLessThan(500);
    expectNoFaults();
    await close();
  });
});

async function fillDatabase(journey: Journey): Promise<void> {
  await mkdir(journey.dataDir, { recursive: true });
  const db = await openDatabase({ path: join(journey.dataDir, 'queue.db') }, databaseDeps);
  for (let index = 0; index < COUNT; index += 1) {
    const number = String(index).padStart(4, '0');
    await saveProject(db, {
      projectId: `project-${number}` as ProjectId,
      projectName: `project ${number}`,
      machineId: 'desk',
      path: join(journey.folder, `project-${number}`),
      configHome: 'database',
      github: GithubConfigSchema.parse({ enabled: true }),
      lane: { hostGate: 'host:none', credentialGate: 'credential:none' },
      lockKey: `desk:${number}`,
    });
  }
  await db.close();
}
