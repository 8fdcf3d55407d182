// Brings released notices to each target: one message at a time, gathered while the last one was under way or failed.
// Nothing piles up while a target is away, because what waits goes out as one; the newest are named, the rest counted.

import type { Clock, Random } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { NoticeTarget } from '../model/notice.ts';
import type { Database } from '../store/database.ts';
import { listTargets, noteFailed, noteSent, readUnsent } from '../store/notice-targets.ts';
import { buildMessage } from './message.ts';
import { type Target, wordsOf } from './targets.ts';

type DeliverPorts = {
  db: Database;
  clock: Clock;
  random: Random;
  log: Log;
  machineId: string;
  groupMs(): number;
};

const MOST_NAMED = 50;
const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 3_600_000;
const MOST_DOUBLINGS = 10;

/** Sends what is due; answers when something will be due next (epoch milliseconds), null when nothing waits. */
export async function deliverDue(
  targets: readonly Target[],
  ports: DeliverPorts,
  signal: AbortSignal,
): Promise<number | null> {
  const states = await listTargets(ports.db, ports.machineId);
  const dues = await Promise.all(
    targets.map(async (target) => {
      const state = states.find((each) => each.target === target.name);
      if (state === undefined || state.waiting === 0) return null;
      const dueAt = dueOf(state, ports.groupMs());
      return dueAt > ports.clock.now() ? dueAt : deliver(target, state, ports, signal);
    }),
  );
  const next = dues.filter((at) => at !== null);
  return next.length === 0 ? null : Math.min(...next);
}

function dueOf({ failing, lastSentAt }: NoticeTarget, groupMs: number): number {
  return failing?.nextTryAt ?? (lastSentAt ?? 0) + groupMs;
}

async function deliver(
  { name, send }: Target,
  { failing }: NoticeTarget,
  { db, clock, random, log, machineId }: DeliverPorts,
  signal: AbortSignal,
): Promise<number | null> {
  const { notices, omitted } = await readUnsent(db, { machineId, target: name, limit: MOST_NAMED });
  const through = notices.at(-1)?.id;
  if (through === undefined) return null;
  try {
    await send(buildMessage(notices, { omitted, machineId, now: clock.now() }), signal);
  } catch (error) {
    // A stop is nobody's fault: it is sent after the next start.
    if (signal.aborted) return null;
    const doubled = FIRST_RETRY_MS * 2 ** Math.min(failing?.attempts ?? 0, MOST_DOUBLINGS);
    const delayMs = Math.min(LONGEST_RETRY_MS, doubled) * (0.5 + random() / 2);
    const at = clock.now();
    await noteFailed(db, {
      machineId,
      target: name,
      error: wordsOf(error),
      at,
      nextTryAt: Math.ceil(at + delayMs),
    });
    log.warn({ target: name, delayMs, err: error }, 'notices could not be delivered; they are tried again');
    return at + delayMs;
  }
  await noteSent(db, { machineId, target: name, through, at: clock.now() });
  return null;
}
