// Which engine works in a repository, and why: the probe's findings, the remote's address and the project's wish.

import { type Reason, reasonOf } from '../../model/failure.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import { createMcpEngine } from '../mcp/mcp-engine.ts';
import type { ProbeResult } from '../probe/probe.ts';
import { whyNoGit } from '../system/git-program.ts';
import { createSystemEngine } from '../system/system-engine.ts';
import type { ObjectStore } from '../types.ts';
import { createBuiltinEngine } from './builtin-engine.ts';
import type { Engine } from './engine.ts';
import type { SyncPorts } from './sync-ports.ts';

export type EngineChoice = { kind: 'engine'; engine: Engine } | { kind: 'blocked'; reason: Reason };

type Usable = Exclude<ProbeResult, { kind: 'blocked' }>;

/** `overSsh` says why the remote is reached by SSH, null when it is not: only git does that. */
export async function chooseEngine(
  input: {
    probe: Usable;
    objects: ObjectStore;
    wish: NonNullable<GithubConfig['engine']>;
    overSsh: string | null;
  },
  ports: SyncPorts,
): Promise<EngineChoice> {
  const { probe, objects, wish, overSsh } = input;
  if (wish === 'mcp') return chooseMcp(input, ports);
  const why = whyGit(probe, wish, overSsh);
  if (why === null) return { kind: 'engine', engine: createBuiltinEngine(probe, objects, ports) };
  if (wish === 'builtin') {
    return blocked(`${why} github.engine is "builtin".`, 'Set github.engine to "auto".');
  }
  const missing = await whyNoGit(ports.env);
  if (missing !== null) return blocked(`${why} But ${missing}.`, 'Install git, 2.36 or newer.');
  return { kind: 'engine', engine: createSystemEngine({ probe, objects, reason: why }, ports) };
}

function whyGit(probe: Usable, wish: GithubConfig['engine'], overSsh: string | null): string | null {
  if (probe.kind === 'needs-git') return `In ${probe.repo.worktree} ${probe.feature}.`;
  return overSsh ?? (wish === 'git' ? 'github.engine is "git".' : null);
}

/** The guard judges what the built-in engine reads: where that is not what is committed, the tools are refused. */
function chooseMcp(input: { probe: Usable; objects: ObjectStore }, ports: SyncPorts): EngineChoice {
  const { probe, objects } = input;
  const client = ports.mcpClient ?? null;
  const wish = 'github.engine is "mcp", but';
  if (client === null) {
    const detail = `${wish} the service was started without an MCP client.`;
    return refusedMcp(detail, 'Give createSyncAPI() an mcpClient, or set github.engine to "auto".');
  }
  if (probe.kind === 'needs-git')
    return refusedMcp(`${wish} in ${probe.repo.worktree} ${probe.feature}.`, 'Set github.engine to "auto".');
  return { kind: 'engine', engine: createMcpEngine({ probe, objects, client }, ports) };
}

const refusedMcp = (detail: string, action: string): EngineChoice => ({
  kind: 'blocked',
  reason: reasonOf('mcp-git-refused', detail, action),
});

const blocked = (detail: string, action: string): EngineChoice => ({
  kind: 'blocked',
  reason: reasonOf('needs-system-git', detail, action),
});
