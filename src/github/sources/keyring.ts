// The keyring of the desktop: on Linux the secret service and nothing else, because what the kernel's keyring holds is
// gone after a restart. Loaded only where it may be there; the package is optional.

import { Failure } from '../../model/failure.ts';

/** A store of secrets by key. Failures are `credential-unreadable`. */
export type Keyring = {
  read(key: string): Promise<string | null>;
  write(key: string, secret: string): Promise<void>;
  remove(key: string): Promise<boolean>;
};

type Entry = {
  getPassword(signal?: AbortSignal): Promise<string | null>;
  setPassword(secret: string): Promise<void>;
  deletePassword(): Promise<boolean>;
};
type KeyringModule = {
  AsyncEntry: new (service: string, user: string, options: { linux: { store: 'secret-service' } }) => Entry;
};

const SERVICE = 'gitferry';

/** Null where there is none: no session bus, or the optional package is not installed. */
export async function openKeyring(
  env: Readonly<Record<string, string | undefined>>,
  platform: string = process.platform,
): Promise<Keyring | null> {
  if (platform === 'linux' && !env.DBUS_SESSION_BUS_ADDRESS) return null;
  const loaded = await loadModule();
  if (loaded === null) return null;
  const entryOf = (key: string) =>
    new loaded.AsyncEntry(SERVICE, key, { linux: { store: 'secret-service' } });
  return {
    read: (key) => guarded(`read ${key} from`, () => entryOf(key).getPassword()),
    write: (key, secret) => guarded(`write ${key} to`, () => entryOf(key).setPassword(secret)),
    remove: (key) => guarded(`remove ${key} from`, () => entryOf(key).deletePassword()),
  };
}

async function loadModule(): Promise<KeyringModule | null> {
  try {
    return (await import('@napi-rs/keyring')) as unknown as KeyringModule;
  } catch {
    // Optional: on some systems there is no build of it.
    return null;
  }
}

/** What the library says may quote the entry, never the secret; it is kept out all the same. */
async function guarded<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const why = error instanceof Error ? error.name : 'unknown';
    throw new Failure('credential-unreadable', `gitferry could not ${what} the keyring (${why}).`);
  }
}
