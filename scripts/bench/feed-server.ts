// The API and its feed over a real database, in a process of its own: publishes events by the clock when it is told to.

import { createFixture } from '../../test/http/api-fixture.ts';

export type ServerOrder = { call: 'publish'; perSecond: number; lastsMs: number };
export type ServerAnswer =
  | { kind: 'listening'; port: number }
  /** The ids of the events, and when the last one was stored. */
  | { kind: 'published'; firstId: number; count: number };

const api = await createFixture();
const { port, close } = await api.host.listen(api.app, { hostname: '127.0.0.1', port: 0 });
api.access.port = () => port;

/** As a project's state is told, with when it became true. */
const stateOf = (n: number) => ({
  type: 'project.state' as const,
  projectId: null,
  data: {
    ...{ state: 'syncing', stateReason: null, branch: 'main', hasPendingChanges: true, pendingFiles: n },
    ...{ unpushedCommits: 0, lastSafeAt: null },
    at: performance.timeOrigin + performance.now(),
  },
});

/** Each at its own time, late or not: when the service falls behind, the wait is counted. */
async function publish({
  perSecond,
  lastsMs,
}: {
  perSecond: number;
  lastsMs: number;
}): Promise<ServerAnswer> {
  const firstId = api.bus.latestId() + 1;
  const count = Math.round((perSecond * lastsMs) / 1_000);
  const began = performance.now();
  const published: Promise<void>[] = [];
  while (published.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - began) * perSecond) / 1_000) + 1);
    while (published.length < due) published.push(api.bus.publish([stateOf(published.length)]));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(published);
  return { kind: 'published', firstId, count };
}

const say = (answer: ServerAnswer) => process.send?.(answer);

async function stop(): Promise<never> {
  await api.closeFeeds();
  await close(1_000);
  await api.close();
  process.exit();
}

process.on('message', async (order: ServerOrder) => {
  say(await publish(order));
});
// The benchmark was broken off: nothing of it stays.
process.once('disconnect', () => void stop());
say({ kind: 'listening', port });
