// Hands a credential to git when it asks for exactly the host that it belongs to: by a script that reads it from the
// environment, so that it stands in no argument, URL or file.

import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../model/failure.ts';
import { writeFailure } from '../io-failure.ts';
import { isLoopback, parseRemoteUrl } from '../remote/remote-url.ts';
import type { Repository } from '../types.ts';

/** git asks in these words (LC_ALL=C), with the user's name before the host when it wants the password. */
const SCRIPT = `#!/bin/sh
case "$1" in
"Username for '$GITFERRY_ASK_ORIGIN"*) printf '%s\\n' "$GITFERRY_ASK_USERNAME" ;;
"Password for '$GITFERRY_ASK_NAMED_ORIGIN"*) printf '%s\\n' "$GITFERRY_ASK_PASSWORD" ;;
*) exit 1 ;;
esac
`;

export type Access = {
  /** Options before the command: a person's helpers neither answer instead of us nor keep what we give. */
  options: string[];
  env: Record<string, string>;
};

/** @throws Failure `insecure-remote` when the credential would travel in the clear, `write-refused`, `disk-full` */
export async function credentialAccess(
  repo: Repository,
  url: string,
  credential: { username: string; password: string } | null,
): Promise<Access> {
  const { kind, host } = parseRemoteUrl(url);
  if (credential === null || (kind !== 'https' && kind !== 'http')) return { options: [], env: {} };
  if (kind === 'http' && !isLoopback(host)) {
    const detail = `A credential is set for ${host}, but ${url} is not https.`;
    throw new Failure('insecure-remote', detail, { data: { host } });
  }
  const { username, password } = credential;
  return {
    options: ['-c', 'credential.helper=', '-c', 'credential.useHttpPath=false'],
    env: {
      GIT_ASKPASS: await writeScript(repo),
      // The closing quote or a path follows; a longer host name does not begin like this.
      GITFERRY_ASK_ORIGIN: `${kind}://${host}'`,
      GITFERRY_ASK_NAMED_ORIGIN: `${kind}://${encodeURIComponent(username)}@${host}'`,
      GITFERRY_ASK_USERNAME: username,
      GITFERRY_ASK_PASSWORD: password,
    },
  };
}

async function writeScript(repo: Repository): Promise<string> {
  const folder = join(repo.gitDir, 'gitferry.ask');
  const path = join(folder, 'askpass');
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path, SCRIPT);
    await chmod(path, 0o700);
    return path;
  } catch (error) {
    throw writeFailure(error, path);
  }
}
