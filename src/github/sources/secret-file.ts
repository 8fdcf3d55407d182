// Tokens in files that somebody else mounts (Docker, Kubernetes, systemd, Fly): read anew each time, never written.

import { readFile } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { type CredentialSource, isToken, TOKEN_USERNAME } from './source.ts';

const LONGEST_BYTES = 16 * 1024;

export function secretFileSource(files: () => Readonly<Record<string, string>>): CredentialSource {
  return {
    async find(key) {
      const all = files();
      const path = Object.hasOwn(all, key) ? all[key] : undefined;
      if (path === undefined) return null;
      const token = await readSecret(path);
      if (!isToken(token)) {
        throw new Failure(
          'credential-unreadable',
          `${path} holds no token for ${key}, or more than one line.`,
        );
      }
      return { source: 'secret-file', from: path, username: TOKEN_USERNAME, token };
    },
    keys: async () => Object.keys(files()),
  };
}

/** Trimmed text. @throws Failure `credential-unreadable` naming the file */
export async function readSecret(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length <= LONGEST_BYTES) return bytes.toString('utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure('credential-unreadable', `The secret file ${path} cannot be read (${code}).`, {
      cause: error,
    });
  }
  throw new Failure('credential-unreadable', `The secret file ${path} is larger than 16 KiB.`);
}
