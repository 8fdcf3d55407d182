// The part of a host's REST API that says where a repository is and how it stands. It can be told of a rename, of an
// archive, and to hang. Binds loopback only; knows no test framework.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type HostApi = Awaited<ReturnType<typeof startHostApi>>;

export async function startHostApi() {
  /** New names by old ones. */
  const renamed = new Map<string, string>();
  const archived = new Set<string>();
  /** What the account may only read. */
  const readOnly = new Set<string>();
  const requests: { method: string; path: string }[] = [];
  const held: (() => void)[] = [];
  let refusal: { status: number; body: unknown } | null = null;
  let isHeld = false;

  const server = createServer((request, response) => {
    const { method = 'GET', url: path = '/' } = request;
    requests.push({ method, path });
    request.resume();
    const act = () => json(response, ...answer(request));
    if (isHeld) held.push(act);
    else act();
  });

  function answer({ method = 'GET', url: path = '/' }: IncomingMessage): [status: number, body: unknown] {
    if (refusal !== null) return [refusal.status, refusal.body];
    const hook = { id: 7, active: true, events: ['push', 'repository'], config: { url: publicHook } };
    if (/\/hooks(\?|$)/.test(path)) return method === 'POST' ? [201, hook] : [200, []];
    if (path.includes('/hooks/')) return method === 'DELETE' ? [204, null] : [200, hook];
    const [, name = ''] = /^\/repos\/([^/]+\/[^/?]+)$/.exec(path) ?? [];
    if (name === '') return [404, { message: 'Not Found' }];
    const fullName = renamed.get(name) ?? name;
    const names = { full_name: fullName, clone_url: `https://example.org/${fullName}.git` };
    const facts = { private: true, archived: archived.has(fullName), default_branch: 'main' };
    return [200, { ...names, ...facts, permissions: { push: !readOnly.has(fullName) } }];
  }

  let publicHook = '';
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    archived,
    readOnly,
    /** Where its webhook delivers to. */
    deliverTo(address: string): void {
      publicHook = address;
    },
    rename: (from: string, to: string) => void renamed.set(from, to),
    /** Every answer from now on; null: as usual again. */
    refuse(status: number, body: unknown): void {
      refusal = { status, body };
    },
    /** Answers nothing until `release`. */
    hold(): void {
      isHeld = true;
    },
    release(): void {
      isHeld = false;
      for (const act of held.splice(0)) act();
    },
    async stop(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === null ? undefined : JSON.stringify(body));
}
