import { expect, test } from 'vitest';
import { loadHost } from '../../src/host/load.ts';

test('close(0) ends a server at once, however its connections are just ending by themselves', async () => {
  const host = await loadHost();
  const app = { fetch: () => new Response('here') };
  for (let round = 0; round < 300; round++) {
    const listening = await host.listen(app, { hostname: '127.0.0.1', port: 0 });
    const url = `http://127.0.0.1:${listening.port}/`;
    expect(await (await fetch(url)).text()).toBe('here');
    await listening.close(0);
    if (round === 0) await expect(fetch(url)).rejects.toThrow();
  }
});
