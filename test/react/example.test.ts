// The example in a real Chromium: a page of another port than the service, as programs have it.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveExample } from '../../scripts/examples/react/serve.ts';
import { hasChromium, openChromium, visit } from '../dashboard/chromium.ts';
import { createFixture } from '../http/api-fixture.ts';
import { listen } from '../http/feed-client.ts';

describe.skipIf(!hasChromium)('the React example', () => {
  let browser: Browser;
  let example: Awaited<ReturnType<typeof serveExample>>;
  beforeAll(async () => {
    browser = await openChromium();
    example = await serveExample(0);
  });
  afterAll(async () => {
    await browser?.close();
    await example?.close();
  });

  test('shows the service live, syncs at a click, and says when it is gone', async () => {
    const api = await createFixture({ access: { corsOrigin: example.url } });
    const server = await listen(api);
    await api.addProject('blog');
    const shown = await visit(browser, `${example.url}/?service=http://localhost:${server.port}`);
    const { page } = shown;
    await page.getByText('Service: 🟢 Running').waitFor();
    await page.getByRole('listitem').filter({ hasText: 'blog ✅' }).waitFor();

    const { projectId } = await api.addProject('art', { enabled: false });
    await api.bus.publish([{ type: 'project.added', projectId, data: {} }]);
    await page.getByRole('listitem').filter({ hasText: 'art ❌' }).waitFor();

    await page.getByRole('listitem').filter({ hasText: 'blog' }).getByRole('button').click();
    await page.getByText('Queue: 1 items').waitFor();

    await server.close();
    await page.getByRole('alert').filter({ hasText: 'the service' }).waitFor();
    const again = await api.host.listen(api.app, { hostname: '127.0.0.1', port: server.port });
    await page.getByRole('alert').waitFor({ state: 'detached' });
    shown.expectNoFaults(/^a request left: http:\/\/localhost|ERR_CONNECTION_REFUSED|WebSocket/);
    await shown.close();
    await again.close(1_000);
    await api.close();
  });

  test('is not let in when the service does not name its origin', async () => {
    const api = await createFixture();
    const server = await listen(api);
    const shown = await visit(browser, `${example.url}/?service=http://localhost:${server.port}`);
    await shown.page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor();
    expect(await shown.page.getByText('Running').count()).toBe(0);
    await shown.close();
    await server.close();
    await api.close();
  });
});
