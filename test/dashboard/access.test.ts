// Who may call, who changed what, and whom notices reach, on the page of a real service, in a real Chromium.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { beginJourney, type Journey } from '../support/journey.ts';
import {
  expectAccessible,
  expectNoOverflow,
  goTo,
  hasChromium,
  openChromium,
  shoot,
  visit,
} from './chromium.ts';

const PHONE = { viewport: { width: 360, height: 740 } };

describe.skipIf(!hasChromium)('who may call, and what is told', () => {
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

  test('a token is made, shown once, works, and is revoked after a second word; the audit has it all', async () => {
    const { path } = await journey.addProject('blog');
    const service = await journey.start({ folders: [path] });
    await service.untilState('blog', 'safe');
    const { page, expectNoFaults, close } = await visit(browser, `${service.url}/#/people`, PHONE);
    await page.getByText('No token was made yet.').waitFor();
    await page.getByLabel('For whom').fill('!');
    await page.getByRole('button', { name: 'Make the token' }).click();
    await page.getByText('must begin with a letter or digit').waitFor();
    await page.getByLabel('For whom').fill('ada');
    await page.getByLabel('Role').selectOption('operator');
    await page.getByRole('button', { name: 'Make the token' }).click();
    const shown = page.getByLabel('The token of ada');
    const secret = await shown.inputValue();
    await expectAccessible(page);
    await expectNoOverflow(page);
    await shoot(page, 'phone new token', true);
    const ask = (method: string, to: string) =>
      fetch(`${service.url}${to}`, { method, headers: { authorization: `Bearer ${secret}` } });
    expect((await ask('POST', '/api/sync/projects/blog/pause')).status).toBe(200);
    expect((await ask('DELETE', '/api/sync/projects/blog')).status).toBe(403);
    await page.getByRole('button', { name: 'I have it' }).click();
    await expect.poll(() => shown.count()).toBe(0);
    await page.reload();
    await page.getByText('also syncs, pauses and restores').first().waitFor();
    expect(await page.content()).not.toContain(secret);
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('No token was made yet.').waitFor();
    expect((await ask('GET', '/api/sync/status')).status).toBe(401);

    await goTo(page, '#/audit', 'Audit');
    const rows = page.getByRole('row');
    await rows.filter({ hasText: 'DELETE tokens/{tokenId}' }).filter({ hasText: 'ada (operator)' }).waitFor();
    await rows.filter({ hasText: 'forbidden-role' }).waitFor();
    await page.getByLabel('Who', { exact: true }).fill('ada');
    await page.getByLabel('Who', { exact: true }).blur();
    await expect.poll(() => rows.count()).toBe(3);
    await page.getByLabel('To', { exact: true }).fill('2020-01-01T00:00');
    await page.getByText('Nothing was changed that fits.').waitFor();
    expectNoFaults(/status of 400/);
    await close();
  });

  test('the audit is read page by page, back and forth', async () => {
    const { path } = await journey.addProject('blog');
    const service = await journey.start({ folders: [path] });
    for (let count = 0; count < 60; count++) await service.api('POST', '/api/sync/resume', {});
    const { page, expectNoFaults, close } = await visit(browser, `${service.url}/#/audit`);
    const rows = page.locator('tbody tr');
    await expect.poll(() => rows.count()).toBe(50);
    const newest = await rows.first().textContent();
    await page.getByRole('button', { name: 'Older' }).click();
    await expect.poll(() => rows.count()).toBe(10);
    expect(await page.getByRole('button', { name: 'Older' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Newer' }).click();
    await expect.poll(() => rows.count()).toBe(50);
    expect(await rows.first().textContent()).toBe(newest);
    await page.getByRole('button', { name: 'Older' }).click();
    await expect.poll(() => rows.count()).toBe(10);
    // Another wish begins at its first page.
    await page.getByLabel('Who', { exact: true }).fill('local');
    await page.getByLabel('Who', { exact: true }).blur();
    await expect.poll(() => rows.count()).toBe(50);
    expectNoFaults();
    await close();
  });

  test('a notice is told and shown, and a test says what became of it at each target', async () => {
    const received: string[] = [];
    let status = 200;
    const target = createServer(async (request, response) => {
      for await (const part of request) received.push(String(part));
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(target, 'listening');
    try {
      const { path, repo } = await journey.addProject('notes');
      const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/told`;
      const env = { SYNC_NOTICE_WEBHOOK_URL: url, SYNC_NOTICE_GROUP_MS: '1000' };
      const service = await journey.start({ folders: [path], env });
      const { page, expectNoFaults, close } = await visit(browser, `${service.url}/#/notices`);
      await page.getByText('Nothing had to be told yet.').waitFor();
      await page.getByRole('button', { name: 'Send a test notice' }).click();
      await page.getByText('webhook: the test arrived.').waitFor();
      expect(received.join('')).toContain('test');
      status = 500;
      await page.getByRole('button', { name: 'Send a test notice' }).click();
      await page.getByText(/webhook: .*500/).waitFor();
      status = 200;
      await repo.write('keys.txt', `token = ghp_${'a1B2c3D4e5F6'.repeat(3)}\n`);
      await page
        .locator('.card')
        .filter({ hasText: 'secret held' })
        .getByRole('link', { name: 'notes' })
        .waitFor();
      await expectAccessible(page);
      await shoot(page, 'desk notices', true);
      expectNoFaults();
      await close();
    } finally {
      target.close();
    }
  });
});
