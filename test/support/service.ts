// The real service as a process of its own, for journeys: started on Node or Deno, spoken to by its API and feed,
// stopped politely or killed. Waiting is for what the service says, never for time to pass.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { gitEnv } from './git-repo.ts';
import { moduleArgs } from './module-args.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'src/main.ts');
const START_LIMIT_MS = 60_000;
const WAIT_LIMIT_MS = 45_000;

/** `GITFERRY_TEST_RUNTIME=deno` runs the same journeys on Deno. */
export const RUNTIME = process.env.GITFERRY_TEST_RUNTIME === 'deno' || 'Deno' in globalThis ? 'deno' : 'node';
const DENO = RUNTIME === 'deno' ? denoProgram() : '';

export type ServiceOptions = {
  folders?: readonly string[];
  args?: readonly string[];
  env?: Record<string, string>;
  /** Home of database and settings; kept over restarts when given. */
  dataDir: string;
};

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes
export type Answer = { status: number; body: any; headers: Headers };

export type RunningService = Awaited<ReturnType<typeof startService>>;

/** A folder for one journey, removed with everything in it. */
export async function createTempFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'gitferry-journey-'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Runs the program to its end, for starts that are expected to fail. */
export async function runToEnd(
  options: ServiceOptions,
  /** Called with the running process. */
  meet: (child: ChildProcess) => void = () => {},
): Promise<{ code: number | null; out: string; err: string }> {
  const { child, output } = launch(options);
  meet(child);
  const [code] = await once(child, 'close');
  return { code: code as number | null, ...output };
}

export async function startService(options: ServiceOptions) {
  const { child, output } = launch(options);
  const url = await untilListening(child, output);

  async function api(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(url + path, {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  }

  /** The feed as a list that grows; `until` resolves with the first message that fits, past or to come. */
  async function feed(since?: number) {
    const socket = new WebSocket(
      `${url.replace('http', 'ws')}/api/sync/events${since === undefined ? '' : `?since=${since}`}`,
    );
    // biome-ignore lint/suspicious/noExplicitAny: messages of many types
    const messages: any[] = [];
    const waiting = new Set<() => void>();
    socket.on('message', (data) => {
      messages.push(JSON.parse(String(data)));
      for (const look of [...waiting]) look();
    });
    await once(socket, 'open');
    return {
      messages,
      // biome-ignore lint/suspicious/noExplicitAny: messages of many types
      until: (fits: (message: any) => boolean, what: string, limitMs = WAIT_LIMIT_MS): Promise<any> =>
        new Promise((resolve, reject) => {
          const timer = setTimeout(() => {
            waiting.delete(look);
            const seen = messages
              .slice(-15)
              .map((message) => JSON.stringify(message))
              .join('\n');
            reject(
              new Error(
                `No ${what} within ${limitMs} ms. Last messages:\n${seen}\nLog:\n${output.err.slice(-4000)}`,
              ),
            );
          }, limitMs);
          const look = () => {
            const found = messages.find(fits);
            if (found === undefined) return;
            clearTimeout(timer);
            waiting.delete(look);
            resolve(found);
          };
          waiting.add(look);
          look();
        }),
      close: () => socket.close(),
    };
  }

  /** Looks again at every event of the feed until the answer fits. */
  async function until<T>(
    what: string,
    look: () => Promise<T | null | undefined | false>,
    limitMs = WAIT_LIMIT_MS,
  ): Promise<T> {
    const stream = await feed();
    const deadline = performance.now() + limitMs;
    let seen = 0;
    try {
      for (;;) {
        const found = await look();
        if (found) return found;
        const left = deadline - performance.now();
        const from = seen;
        await stream.until(
          () => stream.messages.length > from,
          `${what} (waiting for another event)`,
          Math.max(left, 1),
        );
        seen = stream.messages.length;
      }
    } finally {
      stream.close();
    }
  }

  const project = async (projectId: string) =>
    (await api('GET', `/api/sync/projects/${projectId}`)).body.project;

  return {
    url,
    pid: child.pid as number,
    output,
    api,
    feed,
    until,
    project,
    /** Waits for the project's state and answers the project. */
    untilState: (projectId: string, state: string, limitMs?: number) =>
      until(
        `${projectId} ${state}`,
        async () => {
          const found = await project(projectId);
          return found?.state === state ? found : null;
        },
        limitMs,
      ),
    /** SIGTERM, and waits for the end; answers the exit code. */
    async stop(): Promise<number | null> {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      const [code] = await closed;
      return code as number | null;
    },
    /** SIGKILL, and waits for the end. */
    async kill(): Promise<void> {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
}

/**
 * The program itself: what npm puts into .bin is a script that starts it, passes no signals on, and puts the program
 * in its place when it is run first.
 */
function denoProgram(): string {
  if ('Deno' in globalThis) return process.execPath;
  const script = createRequire(import.meta.url).resolve('deno/bin.cjs');
  const asked = [script, 'eval', 'console.log(Deno.execPath())'];
  return execFileSync(process.execPath, asked, {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  }).trim();
}

/** As `deno task start` runs it: with no more permissions. */
function denoStart(): string[] {
  const file = join(ROOT, 'deno.json');
  const { tasks } = JSON.parse(readFileSync(file, 'utf8')) as { tasks: { start: { command: string } } };
  const [, ...args] = tasks.start.command.split(' ');
  return [DENO, ...args];
}

function launch({ folders = [], args = [], env = {}, dataDir }: ServiceOptions) {
  const all = [...folders, '--port', '0', '--db', join(dataDir, 'queue.db'), ...args];
  const [command, ...runtimeArgs] =
    RUNTIME === 'deno' ? denoStart() : [process.execPath, ...moduleArgs(MAIN), 'start'];
  const child = spawn(command as string, [...runtimeArgs, ...all], {
    // Deno resolves from the project; the service's own files are named absolutely.
    cwd: ROOT,
    env: {
      ...{ ...gitEnv(), NODE_ENV: 'test', NO_COLOR: '1' },
      ...(process.env.DENO_DIR !== undefined && { DENO_DIR: process.env.DENO_DIR }),
      // Requests are counted: none shall come by chance.
      ...{ SYNC_POLL_INTERVAL_MS: '0', ...env },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.err += text;
  });
  return { child, output };
}

function untilListening(child: ChildProcess, output: { out: string; err: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      child.kill('SIGKILL');
      reject(new Error(`The service ${why}.\n${output.out}\n${output.err}`));
    };
    const timer = setTimeout(() => fail('did not start in time'), START_LIMIT_MS);
    child.once('error', (error) => {
      clearTimeout(timer);
      fail(`cannot be started: ${error.message}`);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
    child.stdout?.on('data', () => {
      const port = /^gitferry \S+ on http:\/\/[^:]+:(\d+)/m.exec(output.out)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      child.removeAllListeners('close');
      resolve(`http://127.0.0.1:${port}`);
    });
  });
}
