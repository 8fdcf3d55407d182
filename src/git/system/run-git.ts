// Runs the system's git: arguments as a list, nothing asked of a person, ended with its whole group when its time is
// over or nobody wants it any more. Knows no command.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { signalGroup } from '../../host/child-group.ts';
import type { Clock } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import type { Environment } from '../config/user-config.ts';
import { errorCode } from '../io-failure.ts';
import type { Repository } from '../types.ts';
import { forgetChild, noteChild } from './child-record.ts';

type GitCall = {
  input?: string | Uint8Array;
  /** Over the common environment; undefined takes a variable away. */
  env?: Environment;
  /** It changes something, here or elsewhere: a later service ends it when this one is killed. */
  changes?: boolean;
  /** Once begun it is brought to its end, whatever the signal says. */
  finish?: boolean;
  /** Default ten minutes. */
  timeoutMs?: number;
};

/** `code` is null when a signal ended it. */
export type GitAnswer = { code: number | null; out: Buffer; err: string };

/**
 * Runs one command in the work tree; every exit code is an answer.
 * @throws Failure `git-missing`, `aborted` or the signal's own failure, `job-timeout`
 */
export type RunGit = (args: readonly string[], call?: GitCall) => Promise<GitAnswer>;

export type GitRunner = { repo: Repository; env: Environment; clock: Clock; signal: AbortSignal };

const TIMEOUT_MS = 10 * 60_000;
const KILL_AFTER_MS = 5_000;
/** Programs in the background may hold our pipes open long after git has ended. */
const DRAIN_MS = 1_000;
const LONGEST_ERROR = 64 * 1024;

export function gitRunner(runner: GitRunner): RunGit {
  return (args, call = {}) => run(runner, args, call);
}

/** What git sees: a person's own settings, but none of ours, and no way to ask. */
function environment(env: Environment, more: Environment): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !TAKEN_AWAY.test(name));
  const all = {
    ...Object.fromEntries(kept),
    ...{ LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GCM_INTERACTIVE: 'never', GIT_ASKPASS: '', SSH_ASKPASS: '' },
    ...{ GIT_EDITOR: ':', GIT_PAGER: 'cat' },
    ...more,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

// Traces may show credentials; the others would lead git to another repository, or a hook to our own tokens.
const TAKEN_AWAY =
  /^(?:GIT_TRACE|GIT_CURL_VERBOSE|GIT_DIR$|GIT_WORK_TREE$|GIT_INDEX_FILE$|GIT_COMMON_DIR$|GIT_OBJECT_DIRECTORY$|GIT_ALTERNATE|GIT_NAMESPACE$|GIT_PREFIX$|SYNC_|GITHUB_TOKEN$|GH_TOKEN$|.*PRIVATE_?KEY)/;

/** Takes one line of its input and becomes git; ends when there is none, because we have ended. */
const ONCE_TOLD = 'read -r word && exec git "$@"';
let shell: Promise<boolean> | null = null;

/** Not on every system, and not where Deno's permissions leave it out: there git begins at once. */
function hasShell(): Promise<boolean> {
  const tried = async () => promisify(execFile)('sh', ['-c', ':']);
  shell ??= tried().then(
    () => true,
    () => false,
  );
  return shell;
}

async function run(
  { repo, env, clock, signal }: GitRunner,
  args: readonly string[],
  call: GitCall,
): Promise<GitAnswer> {
  if (!call.finish) throwIfAborted(signal);
  // Whoever comes after a kill must know of what changes something: it begins only when it is noted.
  const waits = call.changes === true && (await hasShell());
  const [program, all] = waits ? ['sh', ['-c', ONCE_TOLD, 'git', ...args]] : ['git', [...args]];
  const child = spawn(program, all, {
    cwd: repo.worktree,
    env: environment(env, call.env ?? {}),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = outcomeOf(child, clock);
  // Its failure is looked at below, after the record.
  ended.catch(() => undefined);
  const stop = stopper(child, clock, call.timeoutMs ?? TIMEOUT_MS, call.finish ? null : signal);
  try {
    // git may end without reading its input; its exit code tells.
    child.stdin.on('error', () => child.stdin.destroy());
    if (call.changes && child.pid !== undefined) await noteChild(repo, child.pid);
    if (waits) child.stdin.write('begin\n');
    child.stdin.end(call.input ?? '');
    const answer = await ended;
    if (!call.finish) throwIfAborted(signal);
    if (stop.isLate())
      throw new Failure('job-timeout', `git ${args[0]} took longer than its time in ${repo.worktree}.`);
    return answer;
  } catch (error) {
    // What could not be noted must not go on.
    stop.end();
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new Failure('git-missing', 'There is no git program to be run.', { cause: error });
  } finally {
    stop.cancel();
    child.stdin.destroy();
    if (call.changes) await forgetChild(repo);
  }
}

function outcomeOf(child: ChildProcess, clock: Clock): Promise<GitAnswer> {
  const out: Buffer[] = [];
  let err = '';
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err = (err + text).slice(-LONGEST_ERROR);
  });
  return new Promise((resolve, reject) => {
    let cancelDrain = () => {};
    child.once('error', reject);
    child.once('exit', (code) => {
      const finish = () => {
        cancelDrain();
        resolve({ code, out: Buffer.concat(out), err });
      };
      child.once('close', finish);
      cancelDrain = clock.timer(DRAIN_MS, () => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        finish();
      });
    });
  });
}

function stopper(child: ChildProcess, clock: Clock, timeoutMs: number, signal: AbortSignal | null) {
  let late = false;
  let cancelKill = () => {};
  const end = () => {
    const { pid } = child;
    if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    void signalGroup(pid, 'SIGTERM');
    cancelKill = clock.timer(KILL_AFTER_MS, () => void signalGroup(pid, 'SIGKILL'));
  };
  const cancelTimer = clock.timer(timeoutMs, () => {
    late = true;
    end();
  });
  signal?.addEventListener('abort', end, { once: true });
  return {
    isLate: () => late,
    end,
    cancel() {
      cancelTimer();
      cancelKill();
      signal?.removeEventListener('abort', end);
    },
  };
}

function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof Failure) throw signal.reason;
  throw new Failure('aborted', 'A git command was given up.', { cause: signal.reason });
}
