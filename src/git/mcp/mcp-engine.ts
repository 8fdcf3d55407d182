// The git tools of a connected MCP client as the third engine: they push and fetch. Looking, the guard's reading and
// the commit are the built-in engine's, because git_commit takes whatever lies staged at that moment, a person's
// staged work too, and not the contents that the guard has judged.

import type { ProbedRepository } from '../probe/probe.ts';
import { createBuiltinEngine } from '../sync/builtin-engine.ts';
import type { Engine } from '../sync/engine.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import type { ObjectStore } from '../types.ts';
import type { McpGitClient } from './git-tools.ts';
import { pushByMcp } from './mcp-push.ts';

export function createMcpEngine(
  input: { probe: ProbedRepository; objects: ObjectStore; client: McpGitClient },
  ports: SyncPorts,
): Engine {
  // What the built-in engine begins early is a push of its own.
  const {
    openPush: _open,
    closePush: _close,
    ...own
  } = createBuiltinEngine(input.probe, input.objects, ports);
  return {
    ...own,
    name: 'mcp',
    reason: 'github.engine is "mcp": the git tools of the MCP client push.',
    push: (push) => pushByMcp({ ...push, ...input, ports }),
  };
}
