// The page in a real Chromium: every console error, page error and CSP violation is kept and fails the test.

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

const PROGRAM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
/** Where screenshots are kept, when wanted; outside of git. */
const SHOTS = process.env.GITFERRY_SCREENSHOTS;

export const hasChromium = PROGRAM !== undefined;
if (!hasChromium)
  console.warn('SKIPPED: no Chromium here, the page is not tested (apt-get install chromium).');

export function openChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: PROGRAM as string, args: ['--no-sandbox'] });
}

/** A window of its own on the page. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin)
      faults.push(`a request left: ${request.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  await page.goto(url);
  return {
    page,
    /** Faults that `allowed` does not explain. */
    expectNoFaults: (allowed: RegExp = /^$/) =>
      expect(faults.filter((fault) => !allowed.test(fault))).toEqual([]),
    close: () => context.close(),
  };
}

/** Goes to a view by its address and waits for its heading. */
export async function goTo(page: Page, hash: string, heading: string | RegExp): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  await page.getByRole('heading', { name: heading }).first().waitFor();
}

/** axe must find nothing at all, in what is shown now. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const { checked, faults } = await page.evaluate(async () => {
    type Rule = { id: string; help: string; nodes: { html: string }[] };
    type Axe = { run(): Promise<{ violations: Rule[]; passes: Rule[] }> };
    const { violations, passes } = await (globalThis as unknown as { axe: Axe }).axe.run();
    return {
      checked: passes.length,
      faults: violations.map(
        ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`,
      ),
    };
  });
  expect(checked).toBeGreaterThan(10);
  expect(faults).toEqual([]);
}

/** Nothing is wider than the window. */
export async function expectNoOverflow(page: Page): Promise<void> {
  const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(content).toBeLessThanOrEqual(width as number);
}

export async function shoot(page: Page, name: string, fullPage = false): Promise<void> {
  if (SHOTS === undefined) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage });
}
