// The database on a libSQL server (sqld, Turso), through @libsql/client. One request at a time: settings of a
// connection reach only one of a pool. Must not know what the statements mean.

import { type Client, createClient, type InStatement, type ResultSet } from '@libsql/client';
import type { Clock, Random } from '../host/clock.ts';
import { Failure } from '../model/failure.ts';
import type { Database, Outage, Row, SqlArgs, SqlStatement } from './database.ts';
import { translateSqliteError } from './errors.ts';
import { type OutageWatch, watchOutage } from './outage.ts';
import { retryBusy } from './retry-busy.ts';

/** The server takes a transaction away after 5 s; an answer that takes longer than this never comes. */
const ANSWER_TIMEOUT_MS = 10_000;
/** A server that was away is asked with less patience: everything else waits for its word. */
const PROBE_TIMEOUT_MS = 2_000;

const SCHEMES = new Set(['http:', 'https:', 'libsql:', 'ws:', 'wss:']);

/** Names and codes of errors on the way; Deno's fetch gives texts only. */
const LOST =
  /TimeoutError|AbortError|fetch failed|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|UND_ERR|SERVER_ERROR|HRANA_|socket|ClosedError|error sending request|error reading a body/i;

/** Integers as BigInt: plain numbers would arrive as REAL. */
function toStatement({ sql, args = {} }: SqlStatement): InStatement {
  const bound: Record<string, string | number | bigint | boolean | null | Uint8Array> = {};
  for (const [name, value] of Object.entries(args)) {
    if (typeof value === 'boolean') bound[name] = value ? 1n : 0n;
    else bound[name] = typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : (value ?? null);
  }
  return { sql, args: bound };
}

function toRows({ columns, rows }: ResultSet): Row[] {
  return rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index] ?? null])));
}

/** Errors of the way to the server; SQLite's own are translated first. A 4xx means it answered and refused. */
function translateRemoteError(error: unknown, address: string): unknown {
  const known = translateSqliteError(error, address);
  if (known instanceof Failure || !(error instanceof Error)) return known;
  const codes: string[] = [];
  for (let at: unknown = error; at instanceof Error && codes.length < 6; at = at.cause) {
    const { code, status } = at as Error & { code?: unknown; status?: unknown };
    if (status === 401 || status === 403) {
      return new Failure('database-unreachable', `The database server ${address} refused the token.`, {
        cause: error,
        action: 'Check SYNC_DB_AUTH_TOKEN.',
      });
    }
    codes.push(at.name, String(code ?? ''), at.message);
  }
  const seen = codes.join(' ');
  // The server took the transaction away and rolled it back.
  if (/STREAM_EXPIRED|TRANSACTION_TIMEOUT|transaction timed-?out/i.test(seen)) {
    return new Failure('database-busy', `The database server ${address} gave up a transaction.`, {
      cause: error,
    });
  }
  if (LOST.test(seen)) {
    return new Failure('database-unreachable', `The database server ${address} does not answer.`, {
      cause: error,
    });
  }
  return error;
}

class RemoteDatabase implements Database {
  readonly kind = 'remote';
  readonly #client: Client;
  readonly #address: string;
  readonly #answerTimeoutMs: number;
  readonly #deps: { clock: Clock; random: Random };
  readonly #watch: OutageWatch;
  /** Calls take turns: one that waits learns before its turn that the server is away. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: RemoteOptions & { address: string }, deps: { clock: Clock; random: Random }) {
    const { url, authToken, address, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
    this.#address = address;
    this.#answerTimeoutMs = answerTimeoutMs;
    this.#deps = deps;
    this.#watch = watchOutage(deps.clock, (error) => {
      const failure = translateRemoteError(error, address);
      return failure instanceof Failure && failure.code === 'database-unreachable' ? failure : null;
    });
    this.#client = createClient({
      url,
      ...(authToken === undefined ? {} : { authToken }),
      intMode: 'number',
      concurrency: 1,
      fetch: (request: Request) => fetch(request, { signal: AbortSignal.timeout(this.#timeoutMs()) }),
    });
  }

  outage(): Outage | null {
    return this.#watch.outage();
  }

  run(sql: string, args?: SqlArgs): Promise<Row[]> {
    const statement = toStatement(args ? { sql, args } : { sql });
    return this.#attempts(async () => toRows(await this.#client.execute(statement)));
  }

  batch(statements: readonly SqlStatement[]): Promise<Row[][]> {
    const all = statements.map(toStatement);
    return this.#attempts(async () => (await this.#client.batch(all, 'write')).map(toRows));
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  async #attempts<T>(attempt: () => Promise<T>): Promise<T> {
    this.#watch.admit();
    try {
      return await retryBusy(this.#deps, () => this.#inTurn(() => this.#timed(attempt)));
    } catch (error) {
      throw translateRemoteError(error, this.#address);
    }
  }

  #inTurn<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => this.#watch.watched(call));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #timeoutMs(): number {
    return this.#watch.outage() === null
      ? this.#answerTimeoutMs
      : Math.min(PROBE_TIMEOUT_MS, this.#answerTimeoutMs);
  }

  /** HTTP requests end by their own time limit; a WebSocket has none, so its connection is made anew. */
  async #timed<T>(attempt: () => Promise<T>): Promise<T> {
    if (this.#client.protocol !== 'ws') return attempt();
    let cancel = () => {};
    const tooLong = new Promise<never>((_resolve, reject) => {
      cancel = this.#deps.clock.timer(this.#timeoutMs(), () => {
        // By its type it answers nothing, in truth a promise that rejects when the server is still away: who calls
        // next connects anew and finds that out, where here it would end the process.
        Promise.resolve<unknown>(this.#client.reconnect()).catch(() => undefined);
        reject(new DOMException('no answer in time', 'TimeoutError'));
      });
    });
    try {
      return await Promise.race([attempt(), tooLong]);
    } finally {
      cancel();
    }
  }
}

type RemoteOptions = { url: string; authToken?: string; answerTimeoutMs?: number };

/**
 * Connects lazily: the first statement meets the server. A failed call may have been carried out when its answer
 * was lost, so callers repeat only what is idempotent. `answerTimeoutMs` defaults to 10000. While the server is away
 * calls fail at once, but for one now and then.
 * @throws Failure `invalid-config` for an address that is none; calls throw `database-unreachable`, `database-busy`
 */
export function openRemote(options: RemoteOptions, deps: { clock: Clock; random: Random }): Database {
  const parsed = URL.canParse(options.url) ? new URL(options.url) : null;
  // Nothing of the address is repeated here: it may hold a credential.
  if (!parsed || !SCHEMES.has(parsed.protocol)) {
    throw new Failure('invalid-config', 'The database URL is not an address of a libSQL server.', {
      action: 'Set SYNC_DB_URL to http://, https://, libsql://, ws:// or wss:// and a host.',
    });
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new Failure('invalid-config', 'The database URL holds a user name or password.', {
      action: 'Take them out of SYNC_DB_URL and set the token as SYNC_DB_AUTH_TOKEN.',
    });
  }
  return new RemoteDatabase({ ...options, address: `${parsed.protocol}//${parsed.host}` }, deps);
}
