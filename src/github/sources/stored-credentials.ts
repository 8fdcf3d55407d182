// What `gitferry login` keeps: a file that only its owner may read lists the credentials; their secrets are in the
// keyring, or where there is none, in that file. Read anew each time, written as a whole.

import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { stat } from '../../host/small-files.ts';
import { CREDENTIAL_KEY } from '../../model/credential-key.ts';
import { Failure } from '../../model/failure.ts';
import type { Keyring } from './keyring.ts';
import { type CredentialSource, type FoundCredential, isToken, TOKEN_USERNAME } from './source.ts';

const EntrySchema = z.looseObject({
  keeper: z.enum(['keyring', 'file']),
  token: z.string().refine(isToken).optional(),
  login: z.string().nullable().default(null),
  expiresAt: z.number().optional(),
});
const FileSchema = z.looseObject({
  version: z.literal(1),
  credentials: z.record(z.string().regex(CREDENTIAL_KEY), EntrySchema),
});
type StoredFile = z.infer<typeof FileSchema>;

type NewCredential = { token: string; login: string | null; expiresAt?: number };

export type StoredCredentials = {
  source(keeper: 'keyring' | 'file'): CredentialSource;
  /** Replaces the one with this key. Answers where the secret is now. */
  put(key: string, credential: NewCredential, keeper: 'keyring' | 'file'): Promise<void>;
  /** Answers false when there was none. */
  remove(key: string): Promise<boolean>;
};

type StoreInput = {
  path: string;
  keyring: () => Promise<Keyring | null>;
  /** Called when a secret in the file is used. */
  onPlainFile(path: string): void;
};

const OTHERS = 0o077;

export function openStoredCredentials(input: StoreInput): StoredCredentials {
  const { path } = input;
  return {
    source: (keeper) => ({
      find: (key) => find(input, key, keeper),
      async keys() {
        const { credentials } = await readStored(path);
        return Object.keys(credentials).filter((key) => credentials[key]?.keeper === keeper);
      },
    }),
    async put(key, { token, login, expiresAt }, keeper) {
      const stored = await readStored(path);
      const before = stored.credentials[key];
      const entry = { keeper, login, ...(expiresAt !== undefined && { expiresAt }) };
      if (keeper === 'keyring') await (await mustOpen(input)).write(key, token);
      const credentials = { ...stored.credentials, [key]: keeper === 'file' ? { ...entry, token } : entry };
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

async function find(
  input: StoreInput,
  key: string,
  keeper: 'keyring' | 'file',
): Promise<FoundCredential | null> {
  const { credentials } = await readStored(input.path);
  const entry = Object.hasOwn(credentials, key) ? credentials[key] : undefined;
  if (entry === undefined || entry.keeper !== keeper) return null;
  const token = keeper === 'file' ? entry.token : await (await mustOpen(input)).read(key);
  if (!token) {
    throw new Failure('credential-unreadable', `The ${keeper} has no secret for ${key} any more.`);
  }
  if (keeper === 'file') input.onPlainFile(input.path);
  const from = keeper === 'file' ? input.path : 'keyring';
  const known = entry.expiresAt === undefined ? {} : { expiresAt: entry.expiresAt };
  return { source: keeper, from, username: TOKEN_USERNAME, token, ...known };
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
