// What a sync asks of a git engine. There are three: the built-in one, the
// system's git, and the tools of an MCP client. Whatever differs between
// them lies behind this type; the steps of a sync do not ask which one they have.

import type { Content } from '../../model/content.ts';
import type { FoundChanges } from '../changes/changes.ts';
import type { CommitResult } from '../commit/commit.ts';
import type { WorkTreeTools } from '../integrate/work-tree-tools.ts';
import type { CommitTime } from '../objects/commit-object.ts';
import type { RepoPath } from '../paths.ts';
import type { PushInput, PushResult } from '../remote/push.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import type { FileChange, Identity } from '../types.ts';

export type EngineCommit = {
  changes: readonly FileChange[];
  message: string;
  author: Identity;
  committer: Identity;
  at: CommitTime;
  signal: AbortSignal;
};

export type EnginePush = Pick<
  PushInput,
  'branch' | 'tip' | 'assumed' | 'lastKnown' | 'signal' | 'onProgress'
> & {
  remote: ChosenRemote;
};

/** `from`: the tip that the remote is known to have. `isExpected`: see `openPush` of remote/opened-push.ts. */
type EngineOpenPush = Pick<EnginePush, 'remote' | 'branch' | 'signal'> & {
  from: string;
  isExpected: Promise<boolean>;
};

export type EngineFetch = {
  remote: ChosenRemote;
  /** Without `refs/heads/`. */
  branches: readonly string[];
  /** Whom reflogs name: `Name <email> <epoch seconds> <+hhmm>`. */
  who: string;
  signal: AbortSignal;
  /** As a pack comes in, where the engine sees it: its bytes so far. */
  onBytes?(received: number): void;
};

export type Engine = {
  readonly name: 'builtin' | 'git' | 'mcp';
  /** Why it is not the built-in one, in words; null when it is. */
  readonly reason: string | null;
  /** How the work tree differs from HEAD. An engine may look further than the scope. */
  findChanges(scope: 'all' | ReadonlySet<RepoPath>, signal: AbortSignal): Promise<FoundChanges>;
  /** Number of files in the index. */
  countTracked(signal: AbortSignal): Promise<number>;
  /**
   * The content of a change as it lies in the work tree, for the guard.
   * @throws Failure `file-changing` when it is no longer what was found
   */
  readContent(change: FileChange, signal: AbortSignal): Promise<Content>;
  /**
   * Commits exactly these changes on the branch; null when HEAD has all of it already.
   * @throws Failure `commit-hook-edited` when a hook put other content in: nothing is committed, look again
   */
  commit(commit: EngineCommit): Promise<CommitResult | null>;
  /**
   * Begins the request of a push that is to follow, while its commit is still being made; `closePush` gives it up where
   * no push asked for its answer. Left out by engines that cannot.
   */
  openPush?(push: EngineOpenPush): void;
  closePush?(): void;
  /** Never forces. @throws Failure as `pushBranch` */
  push(push: EnginePush): Promise<PushResult>;
  /** Brings branches here, and answers their tips; null where the remote has no such branch. @throws Failure as `push` */
  fetch(fetch: EngineFetch): Promise<Record<string, string | null>>;
  /** For bringing in what others pushed. */
  workTree(remote: ChosenRemote, signal: AbortSignal): Promise<WorkTreeTools>;
};
