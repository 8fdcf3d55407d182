// A git host on this machine for the demo: git's own http-backend behind an HTTP server on loopback.

import { execFile, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Host } from '../../host/types.ts';

const run = promisify(execFile);
const LOOK_EVERY_MS = 25;
const CLOSE_MS = 1_000;
const NAME = /^\/([a-z]+\.git)\//;

export type GitHost = {
  createRepo(name: string): Promise<{ url: string; path: string }>;
  /** Waits for a tip that fits. @throws Error after `limitMs` */
  waitForTip(path: string, fits: (oid: string | null) => boolean, limitMs: number): Promise<string | null>;
  stop(): Promise<void>;
};

/** Repositories lie in `folder`. */
export async function startGitHost(host: Host, folder: string): Promise<GitHost> {
  const env = { PATH: host.env.PATH ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
  const listening = await host.listen(
    { fetch: (request) => answer(request, { folder, env }) },
    { hostname: '127.0.0.1', port: 0 },
  );
  return {
    async createRepo(name) {
      const path = join(folder, `${name}.git`);
      await mkdir(path, { recursive: true });
      await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', path], { env });
      await run('git', ['-C', path, 'config', 'http.receivepack', 'true'], { env });
      return { url: `http://127.0.0.1:${listening.port}/${name}.git`, path };
    },
    async waitForTip(path, fits, limitMs) {
      const deadline = host.clock.monotonic() + limitMs;
      for (;;) {
        const oid = await tipOf(path, env);
        if (fits(oid)) return oid;
        if (host.clock.monotonic() > deadline) throw new Error(`nothing new after ${limitMs / 1000} s`);
        await host.clock.sleep(LOOK_EVERY_MS);
      }
    },
    stop: () => listening.close(CLOSE_MS),
  };
}

async function tipOf(path: string, env: Record<string, string>): Promise<string | null> {
  const asked = run('git', ['-C', path, 'rev-parse', '--quiet', '--verify', 'refs/heads/main'], { env });
  return asked.then(
    ({ stdout }) => stdout.trim(),
    () => null, // no commit yet
  );
}

type Place = { folder: string; env: Record<string, string> };

/** One request as CGI wants it: the head in variables, the body on standard input. */
async function answer(request: Request, { folder, env }: Place): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  if (!NAME.test(pathname)) return new Response('There is no such repository.\n', { status: 404 });
  const body = Buffer.from(await request.arrayBuffer());
  const head = (name: string) => request.headers.get(name) ?? '';
  const child = spawn('git', ['http-backend'], {
    env: {
      ...env,
      ...{
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: '1',
        REMOTE_USER: 'demo',
        REMOTE_ADDR: '127.0.0.1',
      },
      ...{ REQUEST_METHOD: request.method, PATH_INFO: pathname, QUERY_STRING: search.slice(1) },
      ...{ CONTENT_TYPE: head('content-type'), CONTENT_LENGTH: String(body.length) },
      ...{ HTTP_CONTENT_ENCODING: head('content-encoding'), GIT_PROTOCOL: head('git-protocol') },
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // git may end without reading all of it.
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.end(body);
  const parts: Buffer[] = [];
  for await (const part of child.stdout) parts.push(part as Buffer);
  return responseOf(Buffer.concat(parts));
}

/** What a CGI program printed: its head, an empty line, the body. */
function responseOf(printed: Buffer): Response {
  const end = printed.indexOf('\r\n\r\n');
  if (end < 0) return new Response('git gave no answer.\n', { status: 500 });
  const headers = new Headers();
  let status = 200;
  for (const line of printed.subarray(0, end).toString('latin1').split('\r\n')) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else headers.append(name, value);
  }
  return new Response(new Uint8Array(printed.subarray(end + 4)), { status, headers });
}
