// A git server that shares no line with git: dulwich, in Python, from Debian's python3-dulwich. Binds loopback only and
// knows no test framework.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Debian's own: others on the PATH do not see its packages. */
const PYTHON = '/usr/bin/python3';
const SCRIPT = `
import os, sys
from wsgiref.simple_server import make_server, WSGIRequestHandler
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain
root = sys.argv[1]
repos = {}
for name in sys.argv[2:]:
    os.makedirs(os.path.join(root, name))
    repo = Repo.init_bare(os.path.join(root, name))
    repo.refs.set_symbolic_ref(b'HEAD', b'refs/heads/main')
    repos['/' + name] = repo
class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass
server = make_server('127.0.0.1', 0, make_wsgi_chain(DictBackend(repos)), handler_class=Quiet)
print(server.server_port, flush=True)
server.serve_forever()
`;

export function hasDulwich(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import dulwich'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** With one empty repository of each name. */
export async function startDulwichServer(...names: string[]) {
  const root = await mkdtemp(join(tmpdir(), 'gitferry-dulwich-'));
  const child: ChildProcess = spawn(PYTHON, ['-c', SCRIPT, root, ...names], {
    // It prints a trace for every question in a newer version of the protocol, which it refuses as it should.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (child.stdout === null) throw new Error('The server has no standard output.');
  const [port] = await once(createInterface({ input: child.stdout }), 'line');
  return {
    url: `http://127.0.0.1:${port}`,
    pathOf: (name: string) => join(root, name),
    async stop(): Promise<void> {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
      await rm(root, { recursive: true, force: true });
    },
  };
}
