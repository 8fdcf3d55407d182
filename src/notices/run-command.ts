// Gives a message to a program of the person's choice: the message as JSON on standard input, its title and text also
// as variables, for scripts that read no JSON. Never through a shell.

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { signalGroup } from '../host/child-group.ts';
import type { Clock } from '../host/clock.ts';
import { redact } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { Message } from './message.ts';

type CommandPorts = {
  command: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  signal: AbortSignal;
};

const LIMIT_MS = 30_000;
const MOST_ERROR_BYTES = 4_096;
/** Linux starts no program with a variable above 128 KiB; all of the message is on its standard input. */
const MOST_VARIABLE_BYTES = 32 * 1024;
const CUT = '\n… cut here; all of it is on standard input.';
/** For its last words, once it has ended: what it started may keep standard error open for ever. */
const LAST_WORDS_MS = 200;
/** What the service is told in confidence is not passed on. */
const SECRET_NAME = /^SYNC_|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|PRIVATE_?KEY/i;

/** Resolves when it has ended well. @throws Failure `notice-failed` with the end of what it wrote to standard error */
export function runNoticeCommand(message: Message, ports: CommandPorts): Promise<void> {
  const { command, clock, signal } = ports;
  const [program = ''] = command;
  return new Promise((resolve, reject) => {
    const fail = (what: string) => reject(new Failure('notice-failed', `${program} ${what}`));
    if (signal.aborted) return fail('was not started: the service is stopping.');
    const child = start(message, ports);
    let words = '';
    let stopped: string | null = null;
    const stop = (why: string) => {
      stopped ??= why;
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL').catch(() => child.kill('SIGKILL'));
      child.stderr.destroy();
    };
    const cancelLimit = clock.timer(LIMIT_MS, () => stop(`did not end within ${LIMIT_MS} ms.`));
    const abort = () => stop('was ended together with the service.');
    signal.addEventListener('abort', abort, { once: true });
    child.stderr.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString('utf8')).slice(-MOST_ERROR_BYTES);
    });
    // It may end without reading; its exit code tells the story.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(JSON.stringify(message));
    const done = (act: () => void) => {
      cancelLimit();
      signal.removeEventListener('abort', abort);
      leaveOpen(child.stderr);
      act();
    };
    child.once('error', (error) => done(() => fail(`could not be started: ${error.message}`)));
    // What it left running in the background is its own matter: its exit is the answer, not the end of its output.
    child.once('exit', (code, ending) => {
      if (stopped === null && code === 0) return done(resolve);
      const tell = () =>
        done(() => {
          if (stopped !== null) return fail(stopped);
          const said = redact(words).replace(/\s+/g, ' ').trim();
          fail(`ended with ${code ?? ending}${said === '' ? '.' : `: ${said}`}`);
        });
      cancelLimit();
      const cancelWait = clock.timer(LAST_WORDS_MS, tell);
      child.once('close', () => {
        cancelWait();
        tell();
      });
    });
  });
}

/** What it left running may go on writing there: a closed end would be its end too. */
function leaveOpen(stderr: Readable & { unref?(): void }): void {
  stderr.removeAllListeners('data');
  stderr.on('error', () => stderr.destroy()).resume();
  stderr.unref?.();
}

/** As a variable may hold it; never in the middle of a character. */
function asVariable(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MOST_VARIABLE_BYTES) return text;
  return new TextDecoder().decode(bytes.subarray(0, MOST_VARIABLE_BYTES), { stream: true }) + CUT;
}

function start({ title, text, ...message }: Message, { command, cwd, env }: CommandPorts) {
  const [program = '', ...args] = command;
  const known = Object.entries(env).filter(([name]) => !SECRET_NAME.test(name));
  // A group of its own, so that what it started ends with it.
  return spawn(program, args, {
    cwd,
    env: {
      ...Object.fromEntries(known),
      GITFERRY_NOTICE_ID: message.id,
      GITFERRY_NOTICE_TITLE: asVariable(title),
      GITFERRY_NOTICE_TEXT: asVariable(text),
    },
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    windowsHide: true,
  });
}
