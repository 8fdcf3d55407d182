// Named tokens: made here, known again here. The secret is answered once and kept nowhere, only its digest.

import { createHash, randomBytes } from 'node:crypto';
import type { Log } from '../host/log.ts';
import type { Caller, Role } from '../model/caller.ts';
import {
  type AccessToken,
  addAccessToken,
  findTokenHolder,
  noteTokenUse,
  removeAccessToken,
} from '../store/access-tokens.ts';
import type { Database } from '../store/database.ts';

export type People = {
  /**
   * The holder of a secret. `refused`: it is one of ours, but unknown, revoked or expired. Null: it is none of ours.
   * @throws Failure `database-unreachable`, `database-busy`
   */
  find(secret: string): Promise<Caller | 'refused' | null>;
  /** @throws Failure `token-exists` */
  add(input: {
    name: string;
    role: Role;
    expiresAt: number | null;
    createdBy: string;
  }): Promise<{ token: AccessToken; secret: string }>;
  /** Ends what its holder has open, too. @throws Failure `token-not-found` */
  revoke(tokenId: string): Promise<AccessToken>;
};

/** So that a secret is recognised as one in logs, and by scanners of secrets. */
const PREFIX = 'gitferry_';
const FORM = /^gitferry_[A-Za-z0-9_-]{43}$/;
const SECRET_BYTES = 32;
const ID_BYTES = 6;

export function createPeople(deps: { db: Database; log: Log; onRevoked(): void }): People {
  const { db, log } = deps;
  return {
    async find(secret) {
      if (!FORM.test(secret)) return null;
      const holder = await findTokenHolder(db, digestOf(secret));
      if (holder === null) return 'refused';
      // Not waited for: whether it can be noted must not decide whether the caller is answered.
      noteTokenUse(db, holder.tokenId ?? '').catch((error: unknown) =>
        log.warn({ err: error, tokenId: holder.tokenId }, 'the use of a token could not be noted'),
      );
      return holder;
    },
    async add(input) {
      // Not the injected randomness: these must not be guessable.
      const secret = PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
      const tokenId = randomBytes(ID_BYTES).toString('hex');
      const token = await addAccessToken(db, { ...input, tokenId, digest: digestOf(secret) });
      return { token, secret };
    },
    async revoke(tokenId) {
      const token = await removeAccessToken(db, tokenId);
      deps.onRevoked();
      return token;
    },
  };
}

/** Found by its digest: how long the look-up takes tells nothing of the secret. */
function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
