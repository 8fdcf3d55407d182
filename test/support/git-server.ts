// A git server for tests and the demo: git's own `http-backend` behind a small HTTP server that can be told
// to fail in the ways real hosts do. It binds loopback only and knows no test framework.

import { execFile, spawn } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HOOK = fileURLToPath(new URL('./proc-receive-hook.mjs', import.meta.url));

/** A way to fail. `held` and `held-body` wait until the handle of inject() is released. */
export type Fault =
  /** Any status; for example 401, 403, 404, 413, 429 with `retry-after`, 500, 503. */
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  /** An HTML page with status 200, as a captive portal or a login page answers. */
  | { kind: 'html' }
  | { kind: 'redirect'; to: string; status?: 301 | 302 | 303 | 307 | 308 }
  /** Nothing is answered until release(); then the request is served as usual. Met when all of the request is there. */
  | { kind: 'held' }
  /** The head is answered and then nothing until release(). */
  | { kind: 'held-body' }
  /** The connection is reset before anything is answered; git never sees the request. */
  | { kind: 'reset' }
  /** The connection is reset after this many bytes of the upload. */
  | { kind: 'reset-mid-pack'; afterBytes: number }
  /** Git does all the work, but the answer is lost to a reset. */
  | { kind: 'answer-lost' }
  /** The answer stops after this many bytes: ended `clean`ly, or the connection is cut. */
  | { kind: 'truncated'; afterBytes: number; clean?: boolean };

export type GitRequest = {
  method: string;
  /** With its query. */
  path: string;
  /** The Authorization header as it came. */
  auth: string | null;
  /** Epoch milliseconds. */
  at: number;
  /** Null until answered, and when the connection was reset. */
  status: number | null;
  /** Bytes of the request's body. */
  bytes: number;
  fault: Fault['kind'] | null;
};

export type InjectedFault = {
  /** Lets go of what `held` and `held-body` hold back. */
  release(): void;
  /** Resolves when a request has met the fault for the first time. */
  met: Promise<void>;
};

/** What the proc-receive hook answers; `message` is the side-band text, `reason` the one after `ng <ref>`. */
export type Refusal = { ref?: string; reason: string; message: string };

export type GitServerOptions = {
  /** Says who may come in; default: everyone. A status object refuses in its own way. */
  auth?: (
    username: string | null,
    password: string | null,
    path: string,
  ) => boolean | { status: number; headers?: Record<string, string>; body?: string };
  /** Default 127.0.0.1. */
  host?: string;
  /** Default: any free one. */
  port?: number;
};

export type GitServer = Awaited<ReturnType<typeof startGitServer>>;

type Plan = {
  match: RegExp;
  fault: Fault;
  left: number;
  met: () => void;
  released: Promise<void>;
  release: () => void;
};
type Exchange = {
  request: IncomingMessage;
  response: ServerResponse;
  entry: GitRequest;
  plan: Plan | null;
  /** What the request uploaded, where that was waited for. */
  upload?: Buffer;
};

/** Starts the server; `stop()` ends it and removes its repositories. */
export async function startGitServer(options: GitServerOptions = {}) {
  const root = await mkdtemp(join(tmpdir(), 'gitferry-server-'));
  const requests: GitRequest[] = [];
  const waiting = new Set<() => void>();
  let plans: Plan[] = [];
  let token: string | null = null;

  const notify = () => {
    for (const check of [...waiting]) check();
  };

  const server = createServer((request, response) => {
    const entry = logEntry(request);
    requests.push(entry);
    request.on('data', (chunk: Buffer) => {
      const isFirst = entry.bytes === 0;
      entry.bytes += chunk.length;
      if (isFirst) notify();
    });
    request.pause();
    request.on('error', () => response.destroy());
    response.on('close', () => {
      entry.status = response.headersSent ? response.statusCode : null;
      notify();
    });
    const plan = takePlan(plans, entry);
    serve({ request, response, entry, plan }).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
    notify();
  });

  async function serve(exchange: Exchange): Promise<void> {
    if (exchange.plan && (await playFault(exchange, exchange.plan))) return;
    const refusal = admission(exchange.entry, options.auth, token);
    if (refusal) return answer(exchange, refusal.status, refusal.headers ?? {}, refusal.body ?? '');
    await runBackend(exchange, root);
  }

  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

  /** Resolves when the predicate holds; it is asked now and when a request comes, begins to upload or ends. */
  function waitFor(predicate: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (act: () => void) => {
        clearTimeout(timer);
        waiting.delete(check);
        act();
      };
      const check = () => {
        Promise.resolve(predicate()).then(
          (holds) => holds && end(resolve),
          (error: unknown) => end(() => reject(error)),
        );
      };
      const timer = setTimeout(
        () =>
          end(() => reject(new Error(`the git server waited ${timeoutMs} ms in vain\n${summary(requests)}`))),
        timeoutMs,
      );
      waiting.add(check);
      check();
    });
  }

  return {
    url,
    root,
    port,
    /** Every request since the start, oldest first. */
    requests,

    /** Makes an empty bare repository whose default branch is main; `name` may be `user/repo`. */
    async createRepo(name: string): Promise<{ url: string; path: string }> {
      const path = join(root, `${name}.git`);
      await mkdir(dirname(path), { recursive: true });
      await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
      await appendFile(
        join(path, 'config'),
        '[http]\n\treceivepack = true\n[receive]\n\tfsckObjects = true\n\tautogc = false\n[gc]\n\tauto = 0\n',
      );
      return { url: `${url}/${name}.git`, path };
    },

    /** The next `times` requests whose `METHOD /path?query` matches meet the fault. */
    inject(match: RegExp, fault: Fault, times = 1): InjectedFault {
      let release = () => {};
      let meet = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const met = new Promise<void>((resolve) => {
        meet = resolve;
      });
      const plan: Plan = { match, fault, left: times, met: meet, released, release };
      plans.push(plan);
      return { release, met };
    },

    /** Forgets all faults and releases what is held. */
    clearFaults(): void {
      for (const plan of plans) plan.release();
      plans = [];
    },

    /** From now on a push to the ref (left out: to any branch) is refused with this reason and text. */
    refuse: (repoPath: string, refusal: Refusal) => setRefusals(repoPath, [refusal]),

    /** Takes back what refuse() set. */
    accept: (repoPath: string) => setRefusals(repoPath, []),

    waitFor,
    refOf,

    /** Resolves with the ref's oid (null: no such ref) as soon as the predicate holds for it. */
    async waitForRef(
      repoPath: string,
      ref: string,
      predicate: (oid: string | null) => boolean,
      timeoutMs = 20_000,
    ): Promise<string | null> {
      let oid: string | null = null;
      await waitFor(async () => {
        oid = await refOf(repoPath, ref);
        return predicate(oid);
      }, timeoutMs);
      return oid;
    },

    /** Only this password, with any user name, comes in; null opens the server again. */
    requireToken(value: string | null): void {
      token = value;
    },

    /** Ends open connections and removes the repositories. */
    async stop(): Promise<void> {
      for (const plan of plans) plan.release();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function logEntry(request: IncomingMessage): GitRequest {
  return {
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    auth: request.headers.authorization ?? null,
    at: Date.now(),
    status: null,
    bytes: 0,
    fault: null,
  };
}

const summary = (requests: GitRequest[]) =>
  requests
    .map((each) => `${each.method} ${each.path} -> ${each.status ?? '(none)'} ${each.fault ?? ''}`)
    .join('\n');

function takePlan(plans: Plan[], entry: GitRequest): Plan | null {
  const plan = plans.find((each) => each.left > 0 && each.match.test(`${entry.method} ${entry.path}`));
  if (!plan) return null;
  plan.left -= 1;
  entry.fault = plan.fault.kind;
  if (plan.fault.kind !== 'held') plan.met();
  return plan;
}

/** True when the fault has answered; false when git shall go on. */
async function playFault(exchange: Exchange, plan: Plan): Promise<boolean> {
  const { request, entry } = exchange;
  const { fault } = plan;
  switch (fault.kind) {
    case 'status':
      answer(exchange, fault.status, fault.headers ?? {}, fault.body ?? '');
      return true;
    case 'html':
      answer(
        exchange,
        200,
        { 'content-type': 'text/html; charset=utf-8' },
        '<!doctype html><title>Log in</title>',
      );
      return true;
    case 'redirect':
      answer(exchange, fault.status ?? 301, { location: fault.to }, '');
      return true;
    case 'reset':
      request.socket.resetAndDestroy();
      return true;
    case 'reset-mid-pack':
      request.on('data', () => {
        if (entry.bytes >= fault.afterBytes) request.socket.resetAndDestroy();
      });
      request.resume();
      return true;
    case 'held':
      return hold(exchange, plan);
    case 'held-body':
    case 'answer-lost':
    case 'truncated':
      return false;
  }
}

/** A request that is given up before all of it is there has not met the fault: the next one does. */
async function hold(exchange: Exchange, plan: Plan): Promise<boolean> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of exchange.request as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    plan.left += 1;
    return true;
  }
  exchange.upload = Buffer.concat(chunks);
  plan.met();
  await plan.released;
  return exchange.response.destroyed;
}

function answer(exchange: Exchange, status: number, headers: Record<string, string>, body: string): void {
  exchange.request.resume();
  exchange.response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-github-request-id': 'TEST:1',
    ...headers,
  });
  exchange.response.end(body);
}

function admission(entry: GitRequest, auth: GitServerOptions['auth'], token: string | null) {
  const encoded = /^Basic (.+)$/.exec(entry.auth ?? '')?.[1];
  const decoded = encoded ? Buffer.from(encoded, 'base64').toString('utf8') : null;
  const username = decoded === null ? null : decoded.slice(0, decoded.indexOf(':'));
  const password = decoded === null ? null : decoded.slice(decoded.indexOf(':') + 1);
  if (token !== null && password !== token) return unauthorized(password !== null);
  const verdict = auth ? auth(username, password, entry.path) : true;
  if (verdict === true) return null;
  return verdict === false ? unauthorized(password !== null) : verdict;
}

const unauthorized = (tried: boolean) => ({
  status: 401,
  headers: { 'www-authenticate': 'Basic realm="GitHub"' },
  body: tried
    ? 'remote: Invalid username or token. Password authentication is not supported for Git operations.'
    : 'Repository not found.',
});

async function runBackend(exchange: Exchange, root: string): Promise<void> {
  const { request, response, plan } = exchange;
  const child = spawn('git', ['http-backend'], {
    env: cgiEnvironment(request, root),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exited = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  // git may answer and exit without reading the whole request.
  child.stdin.on('error', () => request.resume());
  if (exchange.upload) child.stdin.end(exchange.upload);
  else request.pipe(child.stdin);
  response.on('close', () => {
    // A lost client must not stop a push half way: git ends by itself when its input ends.
    child.stdin.destroy();
  });
  const sink = answerSink(exchange, plan?.fault ?? null);
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    if (!sink.write(chunk)) break;
    if (plan?.fault.kind === 'held-body') await plan.released;
  }
  child.stdout.resume();
  await exited;
  sink.end();
}

function cgiEnvironment(request: IncomingMessage, root: string): NodeJS.ProcessEnv {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const { headers } = request;
  return {
    PATH: process.env.PATH,
    HOME: root,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    CONTENT_TYPE: headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    REMOTE_USER: 'tester',
    REMOTE_ADDR: '127.0.0.1',
    ...(headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: headers['content-length'] }),
  };
}

/** Turns the backend's CGI output into an HTTP answer, and breaks it where the fault says so. */
function answerSink({ request, response }: Exchange, fault: Fault | null) {
  let head: Buffer | null = Buffer.alloc(0);
  let sent = 0;
  const lost = fault?.kind === 'answer-lost';

  function writeBody(chunk: Buffer): boolean {
    if (fault?.kind === 'truncated' && sent + chunk.length > fault.afterBytes) {
      response.write(chunk.subarray(0, Math.max(0, fault.afterBytes - sent)), () => {
        if (fault.clean) response.end();
        else request.socket.destroy();
      });
      return false;
    }
    sent += chunk.length;
    if (!lost) response.write(chunk);
    return true;
  }

  return {
    write(chunk: Buffer): boolean {
      if (head === null) return writeBody(chunk);
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return true;
      const { status, headers } = parseHead(head.subarray(0, end).toString('latin1'));
      const body = head.subarray(end + 4);
      head = null;
      if (!lost) {
        response.writeHead(status, { ...headers, 'x-github-request-id': 'TEST:1' });
        response.flushHeaders();
      }
      return body.length === 0 || writeBody(body);
    },
    end(): void {
      if (lost) request.socket.resetAndDestroy();
      else if (head !== null)
        answer({ request, response } as Exchange, 500, {}, 'the backend gave no answer');
      else if (fault?.kind !== 'truncated') response.end();
    },
  };
}

function parseHead(text: string) {
  const headers: Record<string, string> = {};
  let status = 200;
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'status') status = Number.parseInt(value, 10);
    else headers[name] = value;
  }
  return { status, headers };
}

/** The oid that a ref of a bare repository names, or null. */
async function refOf(repoPath: string, ref: string): Promise<string | null> {
  const { stdout } = await run('git', ['--git-dir', repoPath, 'for-each-ref', '--format=%(objectname)', ref]);
  return stdout.trim() === '' ? null : (stdout.trim().split('\n')[0] ?? null);
}

async function setRefusals(repoPath: string, refusals: Refusal[]): Promise<void> {
  await writeFile(join(repoPath, 'refusals.json'), JSON.stringify(refusals));
  const runtime = 'Deno' in globalThis ? [process.execPath, 'run', '-A', HOOK] : [process.execPath, HOOK];
  await mkdir(join(repoPath, 'hooks'), { recursive: true });
  await writeFile(
    join(repoPath, 'hooks', 'proc-receive'),
    `#!/bin/sh\nexec ${runtime.map((part) => `'${part}'`).join(' ')}\n`,
    { mode: 0o755 },
  );
  const command = refusals.length > 0 ? ['--replace-all'] : ['--unset-all'];
  const value = refusals.length > 0 ? ['refs/heads/'] : [];
  await run('git', ['--git-dir', repoPath, 'config', ...command, 'receive.procReceiveRefs', ...value]);
}
