// Runs a program that knows a credential: nothing asked of a person, an end after its time limit, and nothing of its
// output kept. Knows no program.

import { spawn } from 'node:child_process';
import { signalGroup } from '../../host/child-group.ts';
import type { Clock } from '../../host/clock.ts';

export type AskedProgram = {
  program: string;
  args: readonly string[];
  input?: string;
  /** Where it runs: not in a project, whose own configuration could name a helper. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  timeoutMs: number;
  clock: Pick<Clock, 'timer'>;
};

export type ProgramAnswer =
  | { kind: 'ended'; code: number | null; out: string }
  | { kind: 'missing' }
  | { kind: 'late' };

const MOST_OUTPUT = 64 * 1024;
// Ours are for ourselves; traces would show what is answered.
const TAKEN_AWAY =
  /^(?:SYNC_|GITHUB_TOKEN$|GH_TOKEN$|GITHUB_ENTERPRISE_TOKEN$|GH_ENTERPRISE_TOKEN$|GIT_TRACE|GIT_CURL_VERBOSE|.*PRIVATE_?KEY)/;
const UNATTENDED = {
  ...{ GIT_TERMINAL_PROMPT: '0', GCM_INTERACTIVE: 'never', GIT_ASKPASS: '', SSH_ASKPASS: '' },
  ...{ GH_PROMPT_DISABLED: '1', LC_ALL: 'C' },
};

export function askProgram(asked: AskedProgram): Promise<ProgramAnswer> {
  const kept = Object.entries(asked.env).filter(([name]) => !TAKEN_AWAY.test(name));
  const env = { ...Object.fromEntries(kept), ...UNATTENDED } as NodeJS.ProcessEnv;
  return new Promise((resolve) => {
    const child = spawn(asked.program, [...asked.args], {
      cwd: asked.cwd,
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    let out = '';
    let isLate = false;
    const cancel = asked.clock.timer(asked.timeoutMs, () => {
      isLate = true;
      if (child.pid !== undefined) void signalGroup(child.pid, 'SIGKILL');
      finish({ kind: 'late' });
    });
    const finish = (answer: ProgramAnswer) => {
      cancel();
      child.stdout.destroy();
      resolve(answer);
    };
    child.on('error', () => finish({ kind: 'missing' }));
    child.stdin.on('error', () => undefined); // it may end without reading; its exit code tells
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out = (out + text).slice(0, MOST_OUTPUT);
    });
    child.on('close', (code) => {
      if (!isLate) finish({ kind: 'ended', code, out });
    });
    child.stdin.end(asked.input ?? '');
  });
}
