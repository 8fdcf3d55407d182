// A person's own tools, asked only where they chose so: `gh auth token` and `git credential fill`. Asked each time;
// what they answer is used and never kept.

import type { Clock } from '../../host/clock.ts';
import { splitKey } from '../../model/credential-key.ts';
import { Failure } from '../../model/failure.ts';
import { askProgram } from './ask-program.ts';
import { type CredentialSource, type FoundCredential, isToken, TOKEN_USERNAME } from './source.ts';

type HelperInput = {
  env: Readonly<Record<string, string | undefined>>;
  homeDir: string;
  clock: Pick<Clock, 'timer'>;
  /** Default 10000, milliseconds. */
  timeoutMs?: number;
};

const TIMEOUT_MS = 10_000;

/** `gh auth token` of the GitHub CLI; a name is the account's login. */
export function ghSource(input: HelperInput): CredentialSource {
  return {
    async find(key) {
      const { name, host } = splitKey(key);
      const user = name === null ? [] : ['--user', name];
      const token = (await ask('gh', ['auth', 'token', '--hostname', host, ...user], '', input))?.trim();
      if (!token) return null;
      return found('gh', 'gh auth token', { username: TOKEN_USERNAME, token }, key);
    },
    keys: async () => [],
  };
}

/** `git credential fill`, with whatever helper the person's git has; a name is the user name asked for. */
export function gitCredentialSource(input: HelperInput): CredentialSource {
  return {
    async find(key) {
      const { name, host } = splitKey(key);
      const lines = ['protocol=https', `host=${host}`, ...(name === null ? [] : [`username=${name}`])];
      const args = ['-c', 'core.askPass=', '-c', 'credential.useHttpPath=false', 'credential', 'fill'];
      const out = await ask('git', args, `${lines.join('\n')}\n\n`, input);
      if (out === null) return null;
      const value = (field: string) => new RegExp(`^${field}=(.*)$`, 'm').exec(out)?.[1];
      // A helper that answers for another host must not lead this host's requests.
      if ((value('host') ?? host).toLowerCase() !== host || (name !== null && value('username') !== name))
        return null;
      const token = value('password');
      if (!token) return null;
      return found(
        'git',
        'git credential fill',
        { username: value('username') || TOKEN_USERNAME, token },
        key,
      );
    },
    keys: async () => [],
  };
}

function found(
  source: 'gh' | 'git',
  from: string,
  { username, token }: { username: string; token: string },
  key: string,
): FoundCredential {
  if (isToken(token)) return { source, from, username, token };
  throw new Failure('credential-unreadable', `${from} answered for ${key} what no header can carry.`);
}

/** What it wrote; null when it has none or is not there. */
async function ask(
  program: string,
  args: readonly string[],
  text: string,
  { env, homeDir, clock, timeoutMs = TIMEOUT_MS }: HelperInput,
): Promise<string | null> {
  const answer = await askProgram({ program, args, input: text, cwd: homeDir, env, timeoutMs, clock });
  if (answer.kind === 'late') {
    throw new Failure('credential-unreadable', `${program} gave no credential within ${timeoutMs} ms.`);
  }
  return answer.kind === 'ended' && answer.code === 0 ? answer.out : null;
}
