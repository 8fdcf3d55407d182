// One process at a time changes the list of stored credentials: each change is written as a whole, from what was read.

import type { Clock } from '../../host/clock.ts';
import { type LockFile, takeLock } from '../../host/lock-file.ts';
import { Failure } from '../../model/failure.ts';

const TRIES = 100;
const WAIT_MS = 200;

/** @throws Failure `credential-unreadable` when the list could not be written either, or is locked for too long */
export async function withListLock<T>(
  { path, pid, clock }: { path: string; pid: number; clock: Pick<Clock, 'sleep'> },
  act: () => Promise<T>,
): Promise<T> {
  const lock = await take(path, pid, clock);
  try {
    return await act();
  } finally {
    await lock.release();
  }
}

async function take(path: string, pid: number, clock: Pick<Clock, 'sleep'>): Promise<LockFile> {
  for (let tries = 1; ; tries++) {
    const answer = await takeLock(`${path}.lock`, pid).catch((cause: NodeJS.ErrnoException) => {
      const detail = `${path} cannot be written (${cause.code}).`;
      throw new Failure('credential-unreadable', detail, { cause });
    });
    if (answer.kind === 'held') return answer.lock;
    if (tries === TRIES) {
      throw new Failure(
        'credential-unreadable',
        `The process ${answer.pid} has ${path} locked for too long.`,
      );
    }
    await clock.sleep(WAIT_MS);
  }
}
