// Which token goes to which host, for which account: the chain of places that may have one, the first that answers.
// Tokens are handed out for exactly the host they were given for, and to nobody else; no text made here holds one.

import type { Log } from '../host/log.ts';
import { type CredentialWish, credentialKey, splitKey } from '../model/credential-key.ts';
import { Failure } from '../model/failure.ts';
import type { CredentialSource, CredentialSourceName, FoundCredential } from './sources/source.ts';

/** For HTTP basic authentication. `renew` after a refusal: whether another one may be had now. */
type BasicCredential = { username: string; password: string; renew?(): Promise<boolean> };

/** What is known of a credential without its secret. */
export type KnownCredential = {
  key: string;
  source: CredentialSourceName;
  from: string;
  /** Of one that is renewed by itself: until when. */
  expiresAt: number | null;
  isRenewed: boolean;
};

/** Hosts are `host` or `host:port`, any case; a port counts. */
export type Credentials = {
  tokenFor(host: string, as?: CredentialWish): Promise<{ key: string; token: string } | null>;
  credentialFor(host: string, as?: CredentialWish): Promise<BasicCredential | null>;
  /** Null: nobody has one. @throws Failure `credential-unreadable` */
  describe(host: string, as?: CredentialWish): Promise<KnownCredential | null>;
  /** Every key that some source names, in order. */
  keys(): Promise<string[]>;
};

type CredentialsInput = {
  /** In the order in which they are asked. */
  sourcesFor(as: CredentialWish): readonly CredentialSource[];
  log: Pick<Log, 'warn'>;
};

export function createCredentials({ sourcesFor, log }: CredentialsInput): Credentials {
  const told = new Set<string>();

  async function find(host: string, as: CredentialWish = {}) {
    const key = credentialKey(host, as.credential);
    if (key === null || as.type === 'none') return null;
    let fault: Failure | null = null;
    for (const source of sourcesFor(as)) {
      try {
        const found = await source.find(key);
        if (found !== null) {
          if (fault !== null) warnOnce(fault, found);
          return { key, source, found };
        }
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        fault ??= error;
      }
    }
    // A place that is broken may have had it: that is another matter than having none.
    if (fault !== null) throw fault;
    return null;
  }

  function warnOnce(fault: Failure, { source, from }: FoundCredential): void {
    if (told.has(fault.message)) return;
    told.add(fault.message);
    log.warn({ code: fault.code, source, from }, `${fault.message} Another source answered.`);
  }

  return {
    async tokenFor(host, as) {
      const got = await find(host, as);
      return got && { key: got.key, token: got.found.token };
    },
    async credentialFor(host, as) {
      const got = await find(host, as);
      if (got === null) return null;
      const { username, token: password } = got.found;
      const { renew } = got.source;
      return { username, password, ...(renew && { renew: () => renew(got.key, password) }) };
    },
    async describe(host, as) {
      const got = await find(host, as);
      if (got === null) return null;
      const { source, from, expiresAt = null, renewedUntil } = got.found;
      const isRenewed = renewedUntil !== undefined;
      return { key: got.key, source, from, isRenewed, expiresAt: isRenewed ? renewedUntil : expiresAt };
    },
    async keys() {
      const all = await Promise.allSettled(sourcesFor({}).map((source) => source.keys()));
      const keys = new Set(all.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])));
      return [...keys].sort((a, b) => order(a).localeCompare(order(b)));
    },
  };
}

/** By host, its own first. */
function order(key: string): string {
  const { name, host } = splitKey(key);
  return `${host} ${name ?? ''}`;
}
