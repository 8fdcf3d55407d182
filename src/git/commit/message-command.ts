// Runs the program that a project names for its commit messages: in the work tree, with a time limit, the changed
// files on its standard input. No shell, and none of the service's own secrets in its environment.

import { spawn } from 'node:child_process';
import { signalGroup } from '../../host/child-group.ts';
import type { Clock } from '../../host/clock.ts';

type CommandInput = {
  /** Program and arguments. */
  command: readonly string[];
  cwd: string;
  /** Given on standard input. */
  input: string;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  /** Ends the command; the answer is then a failure like any other. */
  signal: AbortSignal;
  /** Default 10 s. */
  limitMs?: number;
};

type CommandAnswer = { kind: 'output'; text: string } | { kind: 'failed'; detail: string };

const LIMIT_MS = 10_000;
const MOST_OUTPUT_BYTES = 64 * 1024;
/** What the service is told in confidence is no business of a project's program. */
const SECRET_NAME = /^SYNC_|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|PRIVATE_?KEY/i;

/** Never throws; a fault is an answer, because a message can be made without the command. */
export function runMessageCommand(options: CommandInput): Promise<CommandAnswer> {
  const { command, cwd, env, clock, signal, limitMs = LIMIT_MS } = options;
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const failed = (detail: string) => resolve({ kind: 'failed', detail: `${program} ${detail}` });
    if (signal.aborted) return failed('was not started: the sync is ending');
    let child: ReturnType<typeof start>;
    try {
      child = start(program, args, cwd, env);
    } catch (error) {
      return failed(`could not be started: ${(error as Error).message}`);
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    let stopped: string | null = null;
    const stop = (why: string) => {
      stopped ??= why;
      endAll(child);
      // A grandchild in a group of its own may hold the pipe open: its end is not waited for.
      child.stdout.destroy();
    };
    const cancelLimit = clock.timer(limitMs, () => stop(`did not end within ${limitMs} ms`));
    const abort = () => stop('was ended together with the sync');
    signal.addEventListener('abort', abort, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_OUTPUT_BYTES) stop(`wrote more than ${MOST_OUTPUT_BYTES} bytes`);
      else chunks.push(chunk);
    });
    // It may end without reading the list; its exit code tells the story.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(options.input);
    const done = (answer: () => void) => {
      cancelLimit();
      signal.removeEventListener('abort', abort);
      answer();
    };
    child.once('error', (error) => done(() => failed(`could not be started: ${error.message}`)));
    child.once('close', (code, ending) =>
      done(() => {
        if (stopped !== null) return failed(stopped);
        if (code !== 0) return failed(`ended with ${code ?? ending}`);
        resolve({ kind: 'output', text: Buffer.concat(chunks).toString('utf8') });
      }),
    );
  });
}

function start(program: string, args: readonly string[], cwd: string, env: CommandInput['env']) {
  const known = Object.entries(env).filter(([name]) => !SECRET_NAME.test(name));
  // A group of its own, so that what it started ends with it.
  return spawn(program, args, {
    cwd,
    env: Object.fromEntries(known),
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    windowsHide: true,
  });
}

/** With all that it started; where groups cannot be reached, at least the process itself. */
function endAll(child: ReturnType<typeof start>): void {
  if (child.pid === undefined) return;
  signalGroup(child.pid, 'SIGKILL').catch(() => child.kill('SIGKILL'));
}
