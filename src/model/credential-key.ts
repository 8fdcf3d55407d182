// How credentials are called: `host[:port]` for the host's own, `name@host[:port]` for one of several accounts there.
// The host is part of the name, so that no credential can be meant for another one.

const NAME = '[A-Za-z0-9][A-Za-z0-9._-]{0,62}';
const HOST = '(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\\[[0-9a-f:.]+\\])(?::\\d{1,5})?';

const CREDENTIAL_NAME = new RegExp(`^${NAME}$`);
/** In lower case but for the name. */
export const CREDENTIAL_KEY = new RegExp(`^(?:${NAME}@)?${HOST}$`);

/**
 * The key of a credential for exactly this `host[:port]`. `named` is what a project's settings say: nothing, a name,
 * or a whole key; one for another host is no key for this one (null).
 */
export function credentialKey(host: string, named?: string | null): string | null {
  const exact = host.toLowerCase();
  if (named === undefined || named === null || named === '' || named.toLowerCase() === exact) return exact;
  const { name, host: meant } = splitKey(named);
  if (name === null) return CREDENTIAL_NAME.test(named) ? `${named}@${exact}` : null;
  return meant.toLowerCase() === exact ? `${name}@${exact}` : null;
}

/** `name` is null for the host's own. */
export function splitKey(key: string): { name: string | null; host: string } {
  const at = key.lastIndexOf('@');
  return at < 0 ? { name: null, host: key } : { name: key.slice(0, at), host: key.slice(at + 1) };
}

/** What a project's settings say of its account; nothing: the host's own. */
export type CredentialWish = {
  credential?: string | undefined;
  type?: 'token' | 'app' | 'ssh' | 'system' | 'none' | undefined;
};
