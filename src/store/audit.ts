// Who changed what, when and from where. Only names of what was sent are kept, never values: those may be secrets.

import { z } from 'zod';
import type { Role } from '../model/caller.ts';
import type { Database, Row, SqlValue } from './database.ts';
import { readCursor, writeCursor } from './page-cursor.ts';

const PRUNE_BATCH = 500;

export type AuditEntry = {
  auditId: number;
  /** Epoch milliseconds. */
  at: number;
  machineId: string;
  actor: string;
  role: Role;
  tokenId: string | null;
  /** Of the peer of the connection; null when the service is embedded and does not know it. */
  address: string | null;
  /** What a proxy said, or whoever claims to be one. */
  forwardedFor: string | null;
  requestId: string;
  method: string;
  route: string;
  projectId: string | null;
  subject: string | null;
  keys: string[];
  status: number;
  code: string | null;
};

export type NewAuditEntry = Omit<AuditEntry, 'auditId' | 'at'>;

export async function addAuditEntry(db: Database, entry: NewAuditEntry): Promise<void> {
  await db.run(
    `INSERT INTO audit(at, machine_id, actor, role, token_id, address, forwarded_for, request_id, method, route,
       project_id, subject, keys, status, code)
     SELECT now, :machineId, :actor, :role, :tokenId, :address, :forwardedFor, :requestId, :method, :route,
       :projectId, :subject, :keys, :status, :code FROM clock`,
    { ...entry, keys: JSON.stringify(entry.keys) },
  );
}

export type AuditFilter = {
  actor?: string;
  projectId?: string;
  /** At or after this instant, epoch milliseconds. */
  since?: number;
  /** Before this instant, epoch milliseconds. */
  until?: number;
};

const CONDITIONS: Record<keyof AuditFilter, string> = {
  actor: 'actor = :actor',
  projectId: 'project_id = :projectId',
  since: 'at >= :since',
  until: 'at < :until',
};

const AuditCursorSchema = z.tuple([z.int()]);

/** Newest first. @throws Failure `invalid-request` for a foreign cursor */
export async function listAudit(
  db: Database,
  { limit, cursor, ...filter }: AuditFilter & { limit: number; cursor: string | null },
): Promise<{ entries: AuditEntry[]; nextCursor: string | null }> {
  const before = readCursor(cursor, AuditCursorSchema)?.[0] ?? null;
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  const args: Record<string, SqlValue> = { ...Object.fromEntries(given), before, limit: limit + 1 };
  const conditions = given.map(([key]) => CONDITIONS[key as keyof AuditFilter]);
  const rows = await db.run(
    `SELECT * FROM audit WHERE ${['(:before IS NULL OR id < :before)', ...conditions].join(' AND ')}
     ORDER BY id DESC LIMIT :limit`,
    args,
  );
  const entries = rows.slice(0, limit).map(entryOf);
  const last = entries.at(-1);
  return { entries, nextCursor: rows.length > limit && last ? writeCursor([last.auditId]) : null };
}

/** Forgets what is older than an instant (epoch milliseconds), in batches; answers how much. */
export async function pruneAudit(db: Database, { olderThanMs }: { olderThanMs: number }): Promise<number> {
  const sql = `DELETE FROM audit WHERE id IN (
    SELECT id FROM audit WHERE at < :olderThanMs ORDER BY at LIMIT :batch) RETURNING id`;
  for (let pruned = 0; ; ) {
    const rows = await db.run(sql, { olderThanMs, batch: PRUNE_BATCH });
    pruned += rows.length;
    if (rows.length < PRUNE_BATCH) return pruned;
  }
}

function entryOf(row: Row): AuditEntry {
  return {
    auditId: Number(row.id),
    at: Number(row.at),
    machineId: String(row.machine_id),
    actor: String(row.actor),
    role: row.role as Role,
    tokenId: row.token_id as string | null,
    address: row.address as string | null,
    forwardedFor: row.forwarded_for as string | null,
    requestId: String(row.request_id),
    method: String(row.method),
    route: String(row.route),
    projectId: row.project_id as string | null,
    subject: row.subject as string | null,
    keys: JSON.parse(String(row.keys)),
    status: Number(row.status),
    code: row.code as string | null,
  };
}
