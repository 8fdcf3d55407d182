// The service goes away under the open page and comes back: nothing old is shown as fresh, nothing is missed.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beginJourney, type Journey, untilRemoteHas } from '../support/journey.ts';
import { expectAccessible, goTo, hasChromium, openChromium, shoot, visit } from './chromium.ts';

/** What the browser itself writes while nobody listens. */
const REFUSED = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket connection to/;

describe.skipIf(!hasChromium)('a service that is killed and started again', () => {
  let browser: Browser;
  let journey: Journey;
  beforeAll(async () => {
    [journey, browser] = await Promise.all([beginJourney(), openChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await journey?.end();
  });

  test('the page says so, retries by itself, and then shows what happened meanwhile', async () => {
    const project = await journey.addProject('blog');
    const first = await journey.start({ folders: [project.path] });
    await first.untilState('blog', 'safe');
    const port = new URL(first.url).port;
    const { page, expectNoFaults, close } = await visit(browser, first.url);
    await page.getByRole('heading', { name: 'Your project is safe' }).waitFor();

    await first.kill();
    await page.getByText(/Disconnected, retrying/).waitFor();
    await page.getByRole('heading', { name: 'Not known at the moment' }).waitFor();
    await page.getByText(/What you see is as of/).waitFor();
    expect(await page.getByRole('heading', { name: /safe/ }).count()).toBe(0);
    await page.getByText('was safe').waitFor();
    await expectAccessible(page);
    await shoot(page, 'disconnected');

    await project.repo.write('meanwhile.md', 'saved while nobody watched\n');
    const second = await journey.start({ args: ['--port', port] });
    await untilRemoteHas(journey, project, 'meanwhile.md', 'saved while nobody watched\n');
    await second.untilState('blog', 'safe');
    await page.getByRole('heading', { name: 'Your project is safe' }).waitFor();
    expect(await page.getByText(/Disconnected/).count()).toBe(0);
    await goTo(page, '#/projects/blog', 'blog');
    await page.getByText('1 file ·').first().waitFor();
    expectNoFaults(REFUSED);
    await close();
  });
});
