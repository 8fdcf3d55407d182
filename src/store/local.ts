// The database in a local file, through libsql itself: @libsql/client loses committed-looking writes after a lock
// conflict and is four times slower. Each attempt is synchronous, so nothing interleaves inside a transaction;
// waiting for another process's lock is asynchronous.

import Sqlite from 'libsql';
import type { Clock, Random } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { Database, Row, SqlArgs, SqlStatement } from './database.ts';
import { isBusy, translateSqliteError } from './errors.ts';
import { createEventLoopTurns } from './event-loop.ts';
import { prepareFile, sizeToRead } from './local-file.ts';
import { type Connection, execute, executeAll, finish, onlyReads, writesAlone } from './local-statements.ts';
import { retryBusy } from './retry-busy.ts';

/** The lock is waited for asynchronously; this only smooths the shortest conflicts. */
const BUSY_TIMEOUT_MS = 2;
/** Checking a file reads all of it: about 100 ms for this size. Damage in larger ones shows when it is read. */
const CHECKED_BYTES = 32_000_000;
/**
 * Of new files: a quarter of SQLite's own number. A sync changes few bytes on each of some pages, and every page goes to
 * the log as a whole: 12 KB for a job that is taken and settled, where 2,048 make 23 KB and a tenth more time. Reading a
 * long history takes a twentieth longer.
 */
const PAGE_BYTES = 1_024;
/** Twice SQLite's own number: writing the log back waits for the disk, and was half of the time of a busy queue. */
const LOG_BYTES = 8_192_000;
/** `LOG_BYTES`, and half as much again. */
const KEPT_LOG_BYTES = 12_582_912;

type Deps = { clock: Clock; random: Random; log: Log };

function connect(path: string): Connection {
  try {
    return { sqlite: new Sqlite(path, { timeout: BUSY_TIMEOUT_MS }), statements: new Map() };
  } catch (error) {
    // Opening tells no code: whatever keeps the file from being opened.
    throw new Failure('database-read-only', `The database ${path} cannot be opened.`, { cause: error });
  }
}

function configure({ sqlite }: Connection, readOnly: boolean): void {
  if (readOnly) return void sqlite.exec('PRAGMA query_only = ON');
  // Changes nothing in a file that holds something.
  sqlite.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  sqlite.exec('PRAGMA journal_mode = WAL');
  sqlite.exec('PRAGMA synchronous = NORMAL');
  sqlite.exec('PRAGMA foreign_keys = ON');
  const [page] = sqlite.prepare('PRAGMA page_size').all() as { page_size: number }[];
  sqlite.exec(`PRAGMA wal_autocheckpoint = ${Math.ceil(LOG_BYTES / (page?.page_size ?? PAGE_BYTES))}`);
  // After a burst the log file is cut back to this at its next turn; otherwise it would stay as large for ever.
  sqlite.exec(`PRAGMA journal_size_limit = ${KEPT_LOG_BYTES}`);
}

/** Reads before anything writes, so that a damaged or foreign file stays as it is. */
function check(connection: Connection, path: string, sizeBytes: number): void {
  const sql = sizeBytes > CHECKED_BYTES ? 'SELECT count(*) FROM sqlite_master' : 'PRAGMA quick_check(1)';
  const [row] = connection.sqlite.prepare(sql).all() as Row[];
  const answer = row?.quick_check;
  if (answer !== undefined && answer !== 'ok') {
    throw new Failure('database-corrupt', `The database ${path} is damaged: ${String(answer).slice(0, 200)}`);
  }
}

class LocalDatabase implements Database {
  readonly kind = 'local';
  readonly #path: string;
  readonly #deps: Deps;
  readonly #readOnly: boolean;
  #connection: Connection;
  /** Calls run one after the other, so that a call waiting for a lock is not overtaken for ever. */
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closing: Promise<void> | null = null;
  #writes = 0;
  readonly #turn: () => Promise<void> | null;

  constructor(input: { path: string; connection: Connection; readOnly: boolean; deps: Deps }) {
    this.#path = input.path;
    this.#connection = input.connection;
    this.#readOnly = input.readOnly;
    this.#deps = input.deps;
    this.#turn = createEventLoopTurns(input.deps.clock);
  }

  run(sql: string, args?: SqlArgs): Promise<Row[]> {
    const statement = args ? { sql, args } : { sql };
    if (onlyReads(sql)) {
      const read = () => this.#read(statement);
      return this.#atOnce(read) ?? this.#attempts(read);
    }
    const write = this.#writing([statement]);
    return this.#inTurn(() => write()[0] ?? []);
  }

  batch(statements: readonly SqlStatement[]): Promise<Row[][]> {
    return this.#inTurn(this.#writing(statements));
  }

  writes(): number {
    return this.#writes;
  }

  close(): Promise<void> {
    this.#closing ??= this.#queue.then(() => {
      const { sqlite, statements } = this.#connection;
      statements.clear();
      try {
        if (!this.#readOnly) sqlite.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch (error) {
        // Another process is reading: the log file stays and is applied at the next opening.
        this.#deps.log.debug({ err: error, path: this.#path }, 'checkpoint at close was refused');
      }
      sqlite.close();
    });
    return this.#closing;
  }

  /**
   * One attempt after the other. A statement alone needs no BEGIN and COMMIT, and then SQLite keeps no second copy of
   * what it changes; but where it met a lock the connection has to be made anew, so the next attempts begin by asking.
   */
  #writing(statements: readonly SqlStatement[]): () => Row[][] {
    let asksFirst = !writesAlone(statements);
    return () => {
      // Through exec: a prepared BEGIN that meets a lock would never be finalised.
      if (asksFirst) this.#connection.sqlite.exec('BEGIN IMMEDIATE');
      const carryOut = asksFirst ? finish : executeAll;
      asksFirst = true;
      const results = this.#soundly(() => carryOut(this.#connection, statements));
      this.#writes += 1;
      return results;
    };
  }

  #read(statement: SqlStatement): Row[] {
    return this.#soundly(() => execute(this.#connection, statement));
  }

  #soundly<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      if (isBusy(error)) this.#reconnect();
      throw error;
    }
  }

  /** A prepared statement that met a lock stays open for ever; only a new connection is sound again. */
  #reconnect(): void {
    this.#connection.statements.clear();
    this.#connection.sqlite.close();
    this.#connection = connect(this.#path);
    configure(this.#connection, this.#readOnly);
  }

  #inTurn<T>(attempt: () => T): Promise<T> {
    const done = this.#waiting === 0 ? this.#atOnce(attempt) : null;
    if (done !== null) return done;
    this.#waiting += 1;
    const turn = this.#queue.then(() => this.#attempts(attempt));
    this.#queue = turn
      .catch(() => undefined)
      .then(() => {
        this.#waiting -= 1;
      });
    return turn;
  }

  /** As most calls go, without a promise for each step of waiting. Null: it has to wait. */
  #atOnce<T>(attempt: () => T): Promise<T> | null {
    if (this.#turn() !== null) return null;
    try {
      return Promise.resolve(attempt());
    } catch (error) {
      return isBusy(error) ? null : Promise.reject(translateSqliteError(error, this.#path));
    }
  }

  async #attempts<T>(attempt: () => T): Promise<T> {
    const turn = this.#turn();
    if (turn !== null) await turn;
    try {
      return await retryBusy(this.#deps, attempt);
    } catch (error) {
      throw translateSqliteError(error, this.#path);
    }
  }
}

/**
 * Opens or creates the file (and its folder) in WAL mode, durable against a killed process.
 * A damaged or foreign file is refused and never changed. `readOnly`: nothing is made or written.
 * @throws Failure `database-corrupt`, `database-read-only`, `database-busy`, `disk-full`, `invalid-config`
 */
export async function openLocal(path: string, deps: Deps, { readOnly = false } = {}): Promise<Database> {
  const sizeBytes = readOnly ? await sizeToRead(path) : await prepareFile(path);
  const attempt = () => {
    const connection = connect(path);
    try {
      check(connection, path, sizeBytes);
      configure(connection, readOnly);
    } catch (error) {
      connection.sqlite.close();
      throw error;
    }
    return connection;
  };
  try {
    return new LocalDatabase({ path, connection: await retryBusy(deps, attempt), readOnly, deps });
  } catch (error) {
    throw translateSqliteError(error, path);
  }
}
