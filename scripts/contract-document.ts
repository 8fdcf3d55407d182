// The contract (/openapi.json) as the service answers it, from an app on a database of its own that never listens.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from '../src/app.ts';
import { loadHost } from '../src/host/load.ts';
import { silentLog } from '../src/host/log.ts';
import type { Contract } from './api-reference.ts';

export async function readContract(): Promise<Contract> {
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-docs-'));
  try {
    const host = { ...(await loadHost()), env: {}, cwd: folder };
    const flag = { 'schedulerOptions.dbPath': join(folder, 'queue.db'), fsync: false };
    const app = await createApp({ host, layers: { flag }, log: silentLog });
    try {
      const headers = { host: 'localhost' };
      const answer = await app.fetch(new Request('http://localhost/openapi.json', { headers }));
      if (!answer.ok) throw new Error(`/openapi.json answers ${answer.status}: ${await answer.text()}`);
      return (await answer.json()) as Contract;
    } finally {
      await app.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
