// What the page asks the host: what it says of a repository, and a pull request for work that waits on a side branch.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { beginJourney, type Journey, projectFile } from '../support/journey.ts';
import { expectAccessible, expectNoOverflow, hasChromium, openChromium, shoot, visit } from './chromium.ts';

const TOKEN = 'tokenthatmustnotshow';

/** The API of a host with one repository, which keeps the pull requests that it is asked for. */
async function startHost() {
  const pulls: { number: number; html_url: string; head: string; base: string }[] = [];
  let isArchived = false;
  const repository = () => ({
    ...{ full_name: 'ada/shared', clone_url: 'https://example.org/ada/shared.git', private: true },
    ...{ archived: isArchived, default_branch: 'main', permissions: { push: true } },
  });
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += String(part);
    const { pathname } = new URL(request.url ?? '', 'http://host');
    const answer = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    if (request.headers.authorization === undefined)
      return answer(401, { message: 'Requires authentication' });
    if (pathname === '/repos/ada/shared') return answer(200, repository());
    if (pathname !== '/repos/ada/shared/pulls') return answer(404, { message: 'Not Found' });
    if (request.method === 'GET') return answer(200, pulls);
    const { head, base } = JSON.parse(body);
    const number = pulls.length + 1;
    const made = { number, html_url: `https://example.org/ada/shared/pull/${number}`, head, base };
    pulls.push(made);
    return answer(201, made);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pulls,
    archive() {
      isArchived = true;
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe.skipIf(!hasChromium)('what the page asks the host', () => {
  let browser: Browser;
  let journey: Journey;
  let host: Awaited<ReturnType<typeof startHost>>;
  beforeAll(async () => {
    browser = await openChromium();
  });
  beforeEach(async () => {
    [journey, host] = await Promise.all([beginJourney(), startHost()]);
  });
  afterEach(async () => {
    host.stop();
    await journey.end();
  });
  afterAll(() => browser?.close());

  test('the host is asked when a person wants it, and a pull request is opened for what waits beside its branch', async () => {
    const shared = await journey.addProject('ada/shared', { 'a.md': 'a\n' });
    const aside = projectFile({ quietMs: 100, minIntervalMs: 0 }, { onRejected: 'side-branch' });
    await shared.repo.write('project.json', aside);
    const name = new URL(shared.remoteUrl).host;
    const service = await journey.start({
      folders: [shared.path],
      env: {
        SYNC_MACHINE_ID: 'laptop',
        SYNC_GITHUB_APIS: JSON.stringify({ [name]: host.url }),
        SYNC_TOKENS: JSON.stringify({ [name]: TOKEN }),
      },
    });
    await service.untilState('shared', 'safe');
    await journey.server.refuse(shared.remotePath, {
      ref: 'refs/heads/main',
      reason: 'protected branch hook declined',
      message: 'error: GH006: Protected branch update failed for refs/heads/main.',
    });
    await shared.repo.write('a.md', 'ours\n');
    await service.until('the work is beside its branch', async () => {
      const [primary] = (await service.project('shared')).remotes;
      return primary.asides.length > 0;
    });

    const { page, expectNoFaults, close } = await visit(browser, `${service.url}/#/projects/shared/remotes`);
    await page.getByRole('button', { name: 'Ask the host' }).click();
    await page.getByText(/ada\/shared on .* · private · default branch main/).waitFor();
    await page.getByRole('button', { name: 'Open a pull request' }).click();
    const link = page.getByRole('link', { name: 'Pull request 1 to main' });
    expect(await link.getAttribute('href')).toBe('https://example.org/ada/shared/pull/1');
    expect(host.pulls).toMatchObject([{ head: 'sync/laptop/main', base: 'main' }]);
    await expectAccessible(page);
    await expectNoOverflow(page);
    await shoot(page, 'desk host', true);
    // The open one is found again, and no second one is made.
    await page.reload();
    await page.getByRole('button', { name: 'Open a pull request' }).click();
    await link.waitFor();
    expect(host.pulls).toHaveLength(1);
    host.archive();
    await page.getByRole('button', { name: 'Ask the host' }).click();
    await page
      .getByText(/archived/)
      .first()
      .waitFor();
    expect(await page.content()).not.toContain(TOKEN);
    expectNoFaults();
    await close();
  });

  test('a host that does not answer is said where it was asked', async () => {
    const shared = await journey.addProject('ada/shared');
    const name = new URL(shared.remoteUrl).host;
    const env = {
      SYNC_GITHUB_APIS: JSON.stringify({ [name]: host.url }),
      SYNC_TOKENS: JSON.stringify({ [name]: TOKEN }),
    };
    const service = await journey.start({ folders: [shared.path], env });
    await service.untilState('shared', 'safe');
    host.stop();
    const { page, expectNoFaults, close } = await visit(browser, `${service.url}/#/projects/shared/remotes`);
    await page.getByRole('button', { name: 'Ask the host' }).click();
    await page.getByText('unknown', { exact: true }).waitFor();
    await page
      .getByText(/No answer|does not answer|cannot be reached|refused/i)
      .first()
      .waitFor();
    expectNoFaults();
    await close();
  });
});
