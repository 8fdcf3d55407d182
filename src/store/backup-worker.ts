// The thread's side of backup.ts: copies one database by blocking calls and checks the copy. Knows only two paths.

import { open } from 'node:fs/promises';
import Sqlite from 'libsql';
import { threadSide } from '../host/worker-threads.ts';
import { Failure } from '../model/failure.ts';
import type { BackupAnswer, BackupOrder } from './backup-messages.ts';
import { isBusy, translateSqliteError } from './errors.ts';

/** Other connections write in between; only a moment's lock is met. */
const BUSY_TIMEOUT_MS = 5_000;

const side = threadSide();

/** Whoever listens to the feed of a restored copy must begin anew: its ids are given out a second time. */
const NEW_EPOCH = "UPDATE meta SET value = lower(hex(randomblob(16))) WHERE key = 'epoch'";

function copy({ source, part }: BackupOrder): void {
  const from = new Sqlite(source, { timeout: BUSY_TIMEOUT_MS });
  try {
    // No prepared statement, and a path in quotes: the name is ours, quotes in folders are doubled.
    from.exec(`VACUUM INTO '${part.replaceAll("'", "''")}'`);
  } finally {
    from.close();
  }
}

function check({ part }: BackupOrder): void {
  const copied = new Sqlite(part, { timeout: BUSY_TIMEOUT_MS });
  try {
    copied.exec(NEW_EPOCH);
    const [row] = copied.prepare('PRAGMA quick_check(1)').all() as { quick_check?: unknown }[];
    if (row?.quick_check !== 'ok') {
      throw new Failure(
        'database-corrupt',
        `The copy of the database is damaged: ${String(row?.quick_check)}`,
      );
    }
  } finally {
    copied.close();
  }
}

async function flush({ part }: BackupOrder): Promise<number> {
  const file = await open(part, 'r+');
  try {
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

async function answerTo(order: BackupOrder): Promise<BackupAnswer> {
  try {
    copy(order);
    check(order);
    return { sizeBytes: await flush(order) };
  } catch (error) {
    const failure = isBusy(error) ? error : translateSqliteError(error, order.source);
    if (failure instanceof Failure) return { failure: { code: failure.code, detail: failure.message } };
    return { bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

void answerTo(side.data as BackupOrder).then((answer) => side.post(answer));
