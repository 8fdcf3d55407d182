// Named tokens of people, by the digest of their secret. Knows neither requests nor how secrets are made.
// On a shared server they hold for every machine of the queue.

import { z } from 'zod';
import type { Caller, Role } from '../model/caller.ts';
import { Failure } from '../model/failure.ts';
import type { Database, Row } from './database.ts';
import { isConstraint } from './errors.ts';
import { readCursor, writeCursor } from './page-cursor.ts';

/** Instants are epoch milliseconds. */
export type AccessToken = {
  tokenId: string;
  name: string;
  role: Role;
  createdAt: number;
  /** Name of the caller who made it. */
  createdBy: string;
  /** Null: until it is revoked. */
  expiresAt: number | null;
  /** To the minute; null: never used. */
  lastUsedAt: number | null;
};

const COLUMNS = 'token_id, name, role, created_at, created_by, expires_at, last_used_at';
const VALID = '(expires_at IS NULL OR expires_at > (SELECT now FROM clock))';

/** @throws Failure `token-exists` when the name is taken */
export async function addAccessToken(
  db: Database,
  token: Pick<AccessToken, 'tokenId' | 'name' | 'role' | 'createdBy' | 'expiresAt'> & { digest: string },
): Promise<AccessToken> {
  try {
    const [row] = await db.run(
      `INSERT INTO access_tokens(token_id, name, role, digest, created_at, created_by, expires_at)
       SELECT :tokenId, :name, :role, :digest, now, :createdBy, :expiresAt FROM clock RETURNING ${COLUMNS}`,
      { ...token },
    );
    return tokenOf(row as Row);
  } catch (error) {
    if (!isConstraint(error)) throw error;
    // A server's answer to an earlier try may have been lost.
    const [own] = await db.run(`SELECT ${COLUMNS} FROM access_tokens WHERE digest = :digest`, {
      digest: token.digest,
    });
    if (own !== undefined) return tokenOf(own);
    throw new Failure('token-exists', `There is a token named "${token.name}" already.`, { cause: error });
  }
}

const TokenCursorSchema = z.tuple([z.string()]);

/** By name, also those that have expired. @throws Failure `invalid-request` for a foreign cursor */
export async function listAccessTokens(
  db: Database,
  { limit, cursor }: { limit: number; cursor: string | null },
): Promise<{ tokens: AccessToken[]; nextCursor: string | null }> {
  const after = readCursor(cursor, TokenCursorSchema)?.[0] ?? '';
  const rows = await db.run(
    `SELECT ${COLUMNS} FROM access_tokens WHERE name > :after ORDER BY name LIMIT :limit`,
    { after, limit: limit + 1 },
  );
  const tokens = rows.slice(0, limit).map(tokenOf);
  const last = tokens.at(-1);
  return { tokens, nextCursor: rows.length > limit && last ? writeCursor([last.name]) : null };
}

/** Null for a secret that is unknown, revoked or expired. */
export async function findTokenHolder(db: Database, digest: string): Promise<Caller | null> {
  const [row] = await db.run(`SELECT ${COLUMNS} FROM access_tokens WHERE digest = :digest AND ${VALID}`, {
    digest,
  });
  if (row === undefined) return null;
  const { tokenId, name, role } = tokenOf(row);
  return { tokenId, name, role };
}

/** Notes that a token was used; writes at most once a minute for each. */
export async function noteTokenUse(db: Database, tokenId: string): Promise<void> {
  await db.run(
    `UPDATE access_tokens SET last_used_at = (SELECT now FROM clock)
     WHERE token_id = :tokenId AND coalesce(last_used_at, 0) <= (SELECT now FROM clock) - 60000`,
    { tokenId },
  );
}

/** Which of these are valid now. */
export async function validTokenIds(db: Database, tokenIds: readonly string[]): Promise<Set<string>> {
  const rows = await db.run(
    `SELECT token_id FROM access_tokens WHERE token_id IN (SELECT value FROM json_each(:ids)) AND ${VALID}`,
    { ids: JSON.stringify(tokenIds) },
  );
  return new Set(rows.map((row) => String(row.token_id)));
}

/** Answers what was revoked. @throws Failure `token-not-found` */
export async function removeAccessToken(db: Database, tokenId: string): Promise<AccessToken> {
  const [row] = await db.run(`DELETE FROM access_tokens WHERE token_id = :tokenId RETURNING ${COLUMNS}`, {
    tokenId,
  });
  if (row === undefined) throw new Failure('token-not-found', `There is no token with the id "${tokenId}".`);
  return tokenOf(row);
}

function tokenOf(row: Row): AccessToken {
  return {
    tokenId: String(row.token_id),
    name: String(row.name),
    role: row.role as Role,
    createdAt: Number(row.created_at),
    createdBy: String(row.created_by),
    expiresAt: row.expires_at as number | null,
    lastUsedAt: row.last_used_at as number | null,
  };
}
