// The client a command asks with: over the network to the running service, or in this process over the database when
// none runs. The same API answers both, so commands need not know which.

import { type Client, createClient } from '../../client/index.ts';
import { createLog } from '../../host/log.ts';
import type { Host } from '../../host/types.ts';
import { Failure } from '../../model/failure.ts';
import { type FoundService, findService, type ReachOptions } from './find-service.ts';

export type Reached = {
  client: Client;
  /** False: it is read from the database, and is as old as that. */
  isRunning: boolean;
  found: FoundService;
  close(): Promise<void>;
};

/** Where nothing listens, this names the API inside the process. */
const OWN_ADDRESS = 'http://localhost';

/** A command that needs a service and found none. @see EXIT.notRunning */
export class NotRunning extends Failure {
  constructor(found: Extract<FoundService, { kind: 'stopped' }>) {
    const left = found.isStale ? ' (one was killed; it left its runtime file)' : '';
    super('service-stopped', `No service runs on ${found.databasePath}${left}.`, {
      action: 'Start it: `gitferry start`. For another one name its database (--db) or its address (--url).',
    });
  }
}

/** For commands that change something. @throws NotRunning */
export async function reachRunning(host: Host, options: ReachOptions): Promise<Reached> {
  const found = await findService(host, options);
  if (found.kind === 'stopped') throw new NotRunning(found);
  const client = createClient({ url: found.url, token: found.token });
  return { client, isRunning: true, found, close: async () => {} };
}

/** For commands that only look. @throws NotRunning when there is no database either */
export async function reachForReading(host: Host, options: ReachOptions): Promise<Reached> {
  const found = await findService(host, options);
  if (found.kind !== 'stopped') return reachRunning(host, options);
  const { openReader } = await import('../../reader.ts');
  const { newRunToken } = await import('./runtime-file.ts');
  const runToken = newRunToken();
  const log = createLog(host.env.DEBUG === '1' ? 'debug' : 'error');
  try {
    const reader = await openReader({ host, layers: found.layers, log, runToken });
    const client = createClient({
      url: OWN_ADDRESS,
      token: runToken,
      fetch: async (url, init) => reader.fetch(new Request(url, init)),
      WebSocket: null,
    });
    return { client, isRunning: false, found, close: reader.close };
  } catch (error) {
    if (error instanceof Failure && error.code === 'database-missing') throw new NotRunning(found);
    throw error;
  }
}
