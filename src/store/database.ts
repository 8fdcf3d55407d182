// The port through which every room speaks to libSQL. local.ts and remote.ts implement it.

/** A value as libSQL takes it. Integers are bound as 64-bit integers (a plain JS number would become a REAL). */
export type SqlValue = string | number | bigint | boolean | null | Uint8Array;
export type SqlArgs = Readonly<Record<string, SqlValue>>;
export type SqlStatement = { readonly sql: string; readonly args?: SqlArgs };
export type Row = Record<string, unknown>;

export type Database = {
  readonly kind: 'local' | 'remote';
  /** Runs one statement; a write commits by itself. */
  run(sql: string, args?: SqlArgs): Promise<Row[]>;
  /** Runs all statements in one write transaction, in one request to a remote server. All or nothing. */
  batch(statements: readonly SqlStatement[]): Promise<Row[][]>;
  /** Checkpoints a local file and closes. */
  close(): Promise<void>;
};
