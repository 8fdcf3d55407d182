// The port through which every room speaks to libSQL. local.ts and remote.ts implement it.

import type { Reason } from '../model/failure.ts';

/** A value as libSQL takes it. Integers are bound as 64-bit integers (a plain JS number would become a REAL). */
export type SqlValue = string | number | bigint | boolean | null | Uint8Array;
export type SqlArgs = Readonly<Record<string, SqlValue>>;
export type SqlStatement = { readonly sql: string; readonly args?: SqlArgs };
export type Row = Record<string, unknown>;

/** A server that cannot be used; `since` is epoch milliseconds of this machine. */
export type Outage = { readonly since: number; readonly reason: Reason };

export type Database = {
  readonly kind: 'local' | 'remote';
  /** Runs one statement; a write commits by itself. */
  run(sql: string, args?: SqlArgs): Promise<Row[]>;
  /** Runs all statements in one write transaction, in one request to a remote server. All or nothing. */
  batch(statements: readonly SqlStatement[]): Promise<Row[][]>;
  /** A server that is away; null while it answers. A local file has none. */
  outage?(): Outage | null;
  /** Grows with every write. A local file has no other writer; of a server nobody knows, so it has none. */
  writes?(): number;
  /** Checkpoints a local file and closes. */
  close(): Promise<void>;
};
