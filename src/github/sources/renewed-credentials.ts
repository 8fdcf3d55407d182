// What `gitferry login` keeps, with tokens that end renewed before they do, and stored again. A renewal is good once, so
// one process renews while it holds the list's lock, and the others read what it stored.

import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { Failure } from '../../model/failure.ts';
import type { Renewal, RenewedToken } from '../renew-token.ts';
import type { CredentialSource, FoundCredential } from './source.ts';
import { foundIn, type StoredCredential, type StoredCredentials } from './stored-credentials.ts';

type Input = {
  stored: StoredCredentials;
  keeper: 'keyring' | 'file';
  path: string;
  clock: Pick<Clock, 'now'>;
  log: Pick<Log, 'warn'>;
  /** @throws Failure as `renewToken` */
  renew(key: string, renewal: Renewal): Promise<RenewedToken>;
};
type Put = StoredCredentials['put'];
type Renewable = StoredCredential & { renewal: Renewal };

/** A sync that begins now must still be able to end with its token. */
const RENEW_BEFORE_MS = 10 * 60_000;

export function renewedSource(input: Input): CredentialSource {
  const { stored, keeper, path, clock, log } = input;
  const plain = stored.source(keeper);
  const renewing = new Map<string, Promise<StoredCredential>>();
  /** What could not be stored: the old renewal is used up, so that this is all there is. */
  const unstored = new Map<string, StoredCredential>();

  async function current(key: string): Promise<StoredCredential | null> {
    const held = unstored.get(key);
    const kept = await stored.read(key, keeper);
    return held !== undefined && (kept?.expiresAt ?? 0) <= (held.expiresAt ?? 0) ? held : kept;
  }

  /** Several syncs that need it at the same time wait for the same. `used` is the token that is to be replaced. */
  function renewOnce(key: string, used: string): Promise<StoredCredential> {
    const under = renewing.get(key);
    if (under !== undefined) return under;
    const made = stored.locked(({ put }) => replace(key, used, put)).finally(() => renewing.delete(key));
    renewing.set(key, made);
    return made;
  }

  async function replace(key: string, used: string, put: Put): Promise<StoredCredential> {
    const now = await current(key);
    if (now === null || !isRenewable(now) || now.token !== used) return orMissing(now, key);
    const { token, expiresAt, renewal } = await input.renew(key, now.renewal);
    const next = { keeper, login: now.login, token, expiresAt, renewal };
    try {
      await put(key, next, keeper);
      unstored.delete(key);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      unstored.set(key, next);
      const why = `${error.message} The renewed token for ${key} is lost when gitferry ends; then log in again.`;
      log.warn({ code: error.code, key }, why);
    }
    return next;
  }

  return {
    async find(key): Promise<FoundCredential | null> {
      const known = await current(key);
      if (known === null) return null;
      if (!isRenewable(known) || !isEnding(known, clock.now())) return foundIn(known, path);
      try {
        return foundIn(await renewOnce(key, known.token), path);
      } catch (error) {
        // A host that is away now may be there again before the token ends.
        const isOver = (known.expiresAt ?? 0) <= clock.now();
        if (!(error instanceof Failure) || isOver || error.code === 'credential-rejected') throw error;
        return foundIn(known, path);
      }
    },
    keys: () => plain.keys(),
    // A renewal ends the token before it: one that somebody made meanwhile is used, and not renewed once more.
    async renew(key, used) {
      const known = await current(key);
      if (known === null || !isRenewable(known)) return false;
      return (await renewOnce(key, used)).token !== used;
    },
  };
}

function isRenewable(credential: StoredCredential): credential is Renewable {
  return credential.renewal !== undefined;
}

function isEnding({ expiresAt }: StoredCredential, now: number): boolean {
  return expiresAt !== undefined && expiresAt - now <= RENEW_BEFORE_MS;
}

function orMissing(credential: StoredCredential | null, key: string): StoredCredential {
  if (credential !== null) return credential;
  throw new Failure('credential-missing', `Nobody has a token for ${key} any more.`);
}
