// Statements on a connection of libsql: how values are bound, which statements write, and how several are one transaction.
// Knows no file and no waiting.

import type Sqlite from 'libsql';
import type { Row, SqlArgs, SqlStatement, SqlValue } from './database.ts';

type Statement = ReturnType<InstanceType<typeof Sqlite>['prepare']>;
export type Connection = {
  readonly sqlite: InstanceType<typeof Sqlite>;
  readonly statements: Map<string, Statement>;
};

/** Integers and booleans as BigInt: libsql binds numbers as REAL, and ends the process on a boolean. */
function bind(args: SqlArgs): Record<string, SqlValue> {
  // A copy whose values change in place: building it up name by name takes four times as long.
  const bound: Record<string, SqlValue> = { ...args };
  for (const name in bound) {
    const value = bound[name];
    if (typeof value === 'boolean') bound[name] = value ? 1n : 0n;
    else if (typeof value === 'number' && Number.isInteger(value)) bound[name] = BigInt(value);
    else if (value === undefined) bound[name] = null;
  }
  return bound;
}

/** Errs towards "writes": that costs a transaction, while a write outside of one could be lost. */
export function onlyReads(sql: string): boolean {
  return (
    /^\s*(?:SELECT|WITH|PRAGMA|EXPLAIN)\b/i.test(sql) && !/\b(?:INSERT|UPDATE|DELETE|REPLACE)\b/i.test(sql)
  );
}

/** Of statements that write, those that are a whole transaction by themselves. An EXPLAIN of one stays open. */
export function writesAlone(statements: readonly SqlStatement[]): boolean {
  const [statement] = statements;
  return statements.length === 1 && /^\s*(?:INSERT|UPDATE|DELETE|WITH)\b/i.test(statement?.sql ?? '');
}

export function execute(connection: Connection, { sql, args = {} }: SqlStatement): Row[] {
  let statement = connection.statements.get(sql);
  if (!statement) {
    statement = connection.sqlite.prepare(sql);
    connection.statements.set(sql, statement);
  }
  // Never run(): a RETURNING statement would stay open, and then no COMMIT works.
  return statement.all(bind(args)) as Row[];
}

export function executeAll(connection: Connection, statements: readonly SqlStatement[]): Row[][] {
  return statements.map((statement) => execute(connection, statement));
}

/** Inside BEGIN. */
export function finish(connection: Connection, statements: readonly SqlStatement[]): Row[][] {
  const { sqlite } = connection;
  try {
    const results = executeAll(connection, statements);
    sqlite.exec('COMMIT');
    return results;
  } catch (error) {
    // SQLite itself rolls back on some faults (a full disk), then there is nothing left to undo.
    if (sqlite.inTransaction) sqlite.exec('ROLLBACK');
    throw error;
  }
}
