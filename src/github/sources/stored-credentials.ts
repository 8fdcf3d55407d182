// What `gitferry login` keeps: a file that only its owner may read lists the credentials; their secrets are in the
// keyring, or where there is none, in that file. Read anew each time, written as a whole.

import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../host/clock.ts';
import { stat } from '../../host/small-files.ts';
import { CREDENTIAL_KEY } from '../../model/credential-key.ts';
import { Failure } from '../../model/failure.ts';
import type { Renewal } from '../renew-token.ts';
import type { Keyring } from './keyring.ts';
import { withListLock } from './list-lock.ts';
import { type CredentialSource, type FoundCredential, isToken, TOKEN_USERNAME } from './source.ts';

const EntrySchema = z.looseObject({
  keeper: z.enum(['keyring', 'file']),
  token: z.string().refine(isToken).optional(),
  login: z.string().nullable().default(null),
  expiresAt: z.number().optional(),
  /** Of a token that can be renewed. The secret for it is beside the token, wherever that is. */
  renewal: z.looseObject({ clientId: z.string().min(1), endsAt: z.number().nullable() }).optional(),
  refreshToken: z.string().refine(isToken).optional(),
});
const SecretsSchema = z.object({
  token: z.string().refine(isToken),
  refreshToken: z.string().refine(isToken),
});
const FileSchema = z.looseObject({
  version: z.literal(1),
  credentials: z.record(z.string().regex(CREDENTIAL_KEY), EntrySchema),
});
type StoredFile = z.infer<typeof FileSchema>;

type NewCredential = { token: string; login: string | null; expiresAt?: number; renewal?: Renewal };
/** A credential with its secrets. */
export type StoredCredential = NewCredential & { keeper: 'keyring' | 'file' };

export type StoredCredentials = {
  source(keeper: 'keyring' | 'file'): CredentialSource;
  /** Null: none with this key is kept there. @throws Failure `credential-unreadable` */
  read(key: string, keeper: 'keyring' | 'file'): Promise<StoredCredential | null>;
  /** Replaces the one with this key. Answers where the secret is now. */
  put(key: string, credential: NewCredential, keeper: 'keyring' | 'file'): Promise<void>;
  /** Answers false when there was none. */
  remove(key: string): Promise<boolean>;
  /** Nobody else changes the list meanwhile; the other functions that change it would wait for ever. */
  locked<T>(act: (changes: Changes) => Promise<T>): Promise<T>;
};
type Changes = Pick<StoredCredentials, 'put' | 'remove'>;

type StoreInput = {
  path: string;
  pid: number;
  clock: Pick<Clock, 'sleep'>;
  keyring: () => Promise<Keyring | null>;
  /** Called when a secret in the file is used. */
  onPlainFile(path: string): void;
};

const OTHERS = 0o077;

export function openStoredCredentials(input: StoreInput): StoredCredentials {
  const { path } = input;
  const changes = changesOf(input);
  const locked: StoredCredentials['locked'] = (act) => withListLock(input, () => act(changes));
  return {
    read: (key, keeper) => read(input, key, keeper),
    source: (keeper) => ({
      async find(key) {
        const stored = await read(input, key, keeper);
        return stored && foundIn(stored, path);
      },
      async keys() {
        const { credentials } = await readStored(path);
        return Object.keys(credentials).filter((key) => credentials[key]?.keeper === keeper);
      },
    }),
    put: (...args) => locked(({ put }) => put(...args)),
    remove: (key) => locked(({ remove }) => remove(key)),
    locked,
  };
}

function changesOf(input: StoreInput): Changes {
  const { path } = input;
  return {
    async put(key, credential, keeper) {
      const stored = await readStored(path);
      const before = stored.credentials[key];
      if (keeper === 'keyring') await (await mustOpen(input)).write(key, secretText(credential));
      const credentials = { ...stored.credentials, [key]: entryOf(credential, keeper) };
      await writeStored(path, { ...stored, credentials });
      if (before?.keeper === 'keyring' && keeper === 'file') await (await input.keyring())?.remove(key);
    },
    async remove(key) {
      const stored = await readStored(path);
      const { [key]: entry, ...rest } = stored.credentials;
      if (entry === undefined) return false;
      if (entry.keeper === 'keyring') await (await mustOpen(input)).remove(key);
      await writeStored(path, { ...stored, credentials: rest });
      return true;
    },
  };
}

async function read(
  input: StoreInput,
  key: string,
  keeper: 'keyring' | 'file',
): Promise<StoredCredential | null> {
  const { credentials } = await readStored(input.path);
  const entry = Object.hasOwn(credentials, key) ? credentials[key] : undefined;
  if (entry === undefined || entry.keeper !== keeper) return null;
  const secrets = keeper === 'file' ? entry : secretsIn(await (await mustOpen(input)).read(key));
  if (!secrets.token) {
    throw new Failure('credential-unreadable', `The ${keeper} has no secret for ${key} any more.`);
  }
  if (keeper === 'file') input.onPlainFile(input.path);
  const { login, expiresAt } = entry;
  const { token, refreshToken } = secrets;
  return {
    ...{ keeper, token, login, ...(expiresAt !== undefined && { expiresAt }) },
    ...(entry.renewal && refreshToken && { renewal: { ...entry.renewal, refreshToken } }),
  };
}

export function foundIn(
  { keeper, token, expiresAt, renewal }: StoredCredential,
  path: string,
): FoundCredential {
  return {
    ...{ source: keeper, from: keeper === 'file' ? path : 'keyring', username: TOKEN_USERNAME, token },
    ...(expiresAt !== undefined && { expiresAt }),
    ...(renewal && { renewedUntil: renewal.endsAt }),
  };
}

function entryOf(
  { token, login, expiresAt, renewal }: NewCredential,
  keeper: 'keyring' | 'file',
): StoredFile['credentials'][string] {
  const { refreshToken, ...plain } = renewal ?? {};
  return {
    ...{ keeper, login, ...(expiresAt !== undefined && { expiresAt }) },
    ...(renewal && { renewal: { ...plain, clientId: renewal.clientId, endsAt: renewal.endsAt } }),
    ...(keeper === 'file' && { token, ...(refreshToken !== undefined && { refreshToken }) }),
  };
}

/** In the keyring both secrets are one text, so that neither is ever there without the other. */
function secretText({ token, renewal }: NewCredential): string {
  return renewal === undefined ? token : JSON.stringify({ token, refreshToken: renewal.refreshToken });
}

function secretsIn(text: string | null): { token?: string | undefined; refreshToken?: string | undefined } {
  if (text === null) return {};
  const both = text.startsWith('{') ? SecretsSchema.safeParse(parse(text)) : null;
  return both?.success ? both.data : { token: text };
}

async function mustOpen({ keyring, path }: StoreInput): Promise<Keyring> {
  const opened = await keyring();
  if (opened !== null) return opened;
  const detail = `${path} names a secret in the keyring, and there is no secret service here.`;
  throw new Failure('credential-unreadable', detail);
}

/** @throws Failure `credential-unreadable` when others may read it, or when it cannot be understood */
async function readStored(path: string): Promise<StoredFile> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      const shown = (mode & 0o777).toString(8);
      const action = `chmod 600 ${path}, and make new tokens if others may have read it.`;
      throw new Failure('credential-unreadable', `${path} may be read by others (mode ${shown}).`, {
        action,
      });
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { version: 1, credentials: {} };
    throw new Failure('credential-unreadable', `${path} cannot be read (${code}).`, { cause: error });
  }
  const parsed = FileSchema.safeParse(parse(text));
  if (parsed.success) return parsed.data;
  // The fault's own text could quote a token.
  throw new Failure('credential-unreadable', `${path} is no list of credentials of version 1.`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Written aside for the owner alone, then put in its place. */
async function writeStored(path: string, stored: StoredFile): Promise<void> {
  const aside = `${path}.new`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rm(aside, { force: true });
    await writeFile(aside, `${JSON.stringify(stored, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await chmod(aside, 0o600);
    await rename(aside, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure('credential-unreadable', `${path} cannot be written (${code}).`, { cause: error });
  }
}
