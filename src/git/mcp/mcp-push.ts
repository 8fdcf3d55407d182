// Pushes by the git tools of an MCP server: exactly the commit that the guard has seen, by its id, to exactly one
// branch; never forced, nothing deleted, no tags. What the tool answers is not believed: the tracking ref that git
// itself moves is read afterwards.

import { Failure } from '../../model/failure.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import { readRef } from '../refs/refs.ts';
import type { PushResult } from '../remote/push.ts';
import type { EnginePush } from '../sync/engine.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import { connectionFailure } from '../system/push-failure.ts';
import { behindFailure, isFastForward } from '../system/remote-standing.ts';
import type { ObjectStore } from '../types.ts';
import { callGitTool, type McpGitClient } from './git-tools.ts';

export type McpPush = EnginePush & {
  probe: Pick<ProbedRepository, 'repo' | 'config'>;
  objects: ObjectStore;
  client: McpGitClient;
  ports: Pick<SyncPorts, 'clock'>;
};

const REJECTED = /\[rejected\]|non-fast-forward|fetch first/i;

/**
 * Idempotent: a second call answers `up-to-date`.
 * @throws Failure `mcp-git-refused`, `mcp-git-failed`, `remote-ahead`, `remote-diverged`, and those of connectionFailure()
 */
export async function pushByMcp(push: McpPush): Promise<PushResult> {
  const { branch, tip, client, signal } = push;
  const { name, host } = push.remote;
  const why = whyRefused(push);
  if (why !== null) throw new Failure('mcp-git-refused', why);
  const before = await trackedTip(push);
  const path = push.probe.repo.worktree;
  const { isError, text } = await callGitTool(client, {
    name: 'git_push',
    arguments: { path, remote: name, branch: tip, remoteBranch: `refs/heads/${branch}` },
    signal,
  });
  const after = await trackedTip(push);
  if (!isError && after === tip) {
    const status = before === tip ? 'up-to-date' : 'pushed';
    return { status, from: before, to: tip, bytes: 0, requests: 0, redirectedTo: null };
  }
  if (!isError && !REJECTED.test(text)) {
    const detail = `git_push said that ${branch} is on ${host}, but ${trackingRef(push)} does not say so.`;
    throw new Failure('mcp-git-failed', detail, { data: { host, outcomeUnknown: true } });
  }
  if (!REJECTED.test(text))
    throw connectionFailure({ host, text, hasCredential: false, nowMs: push.ports.clock.now() });
  throw await whyBehind(push);
}

/** What the tools cannot do safely, in words. */
function whyRefused({ remote, probe }: McpPush): string | null {
  const { name, tracked, host } = remote;
  if (!tracked) {
    return `The git tools push to a remote by its name, and no remote of this repository has the address on ${host} and tracks it.`;
  }
  if (!/^[\w.][\w.-]*$/.test(name)) return `The git tools do not take the name of the remote "${name}".`;
  if (probe.config.getBoolean('push.followTags') ?? false)
    return 'push.followTags is set: the git tools would push tags that nobody has looked at.';
  const recurses = probe.config.getBoolean('submodule.recurse') ?? false;
  const submodules = probe.config.get('push.recursesubmodules') ?? (recurses ? 'on-demand' : 'no');
  if (!['no', 'false', 'off', '0', 'check'].includes(submodules))
    return `push.recurseSubmodules is "${submodules}": the git tools would push submodules too.`;
  return null;
}

/** After others pushed: who is ahead of whom. */
async function whyBehind(push: McpPush): Promise<Failure> {
  const { client, signal, remote } = push;
  const { host, name } = remote;
  const path = push.probe.repo.worktree;
  const fetched = await callGitTool(client, { name: 'git_fetch', arguments: { path, remote: name }, signal });
  const nowMs = push.ports.clock.now();
  if (fetched.isError) {
    return connectionFailure({
      host,
      text: fetched.text,
      hasCredential: false,
      nowMs,
      what: 'The fetch from',
    });
  }
  const there = await trackedTip(push);
  if (there === null || (await isFastForward(push, there))) {
    return new Failure('remote-error', `${host} refused ${push.branch}, but nothing stands in its way now.`, {
      data: { host },
    });
  }
  return behindFailure(push, host, there);
}

const trackingRef = ({ remote, branch }: McpPush) => `refs/remotes/${remote.name}/${branch}`;
const trackedTip = (push: McpPush) => readRef(push.probe.repo, trackingRef(push));
