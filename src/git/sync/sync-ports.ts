// What a sync needs from outside the git room.

import type { Clock, Random } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { Content } from '../../model/content.ts';
import type { HeldFile, Releases } from '../../model/project.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import type { FaultPoint } from '../commit/publish-commit.ts';
import type { McpGitClient } from '../mcp/git-tools.ts';
import type { GitTransport } from '../remote/transport.ts';
import type { GiveWay } from './give-way.ts';

/** A file as the guard judges it. `path` is display text; `oid` names the exact content. */
type GuardedFile = {
  path: string;
  kind: 'added' | 'modified' | 'deleted';
  sizeBytes: number;
  oid: string;
  isSymlink: boolean;
};

export type GuardVerdict = { held: HeldFile[]; massDeletion: { deleted: number; tracked: number } | null };

/** Judges what is about to be committed. `read` gives the content with exactly the named oid. */
export type ChangeGuard = (input: {
  files: readonly GuardedFile[];
  trackedFiles: number;
  /** `github.guard` of the project. */
  settings: GithubConfig['guard'];
  /** What a person let pass once; left out: nothing. */
  released?: Releases['files'];
  /** The files are in a person's commits: their size and, where the content can be read, their name were a choice. */
  committed?: boolean;
  read(path: string, oid: string): Promise<Content>;
  signal: AbortSignal;
}) => Promise<GuardVerdict>;

/** The same ports, reaching hosts as this project does. */
export function portsFor<Ports extends Pick<SyncPorts, 'forProject'>>(
  github: GithubConfig,
  ports: Ports,
): Ports {
  return ports.forProject === undefined ? ports : { ...ports, ...ports.forProject(github) };
}

export type SyncPorts = {
  transport: GitTransport;
  /** The credential for exactly this `host[:port]` and remote, for a git program; null when there is none. */
  credentialFor(host: string, url: string): Promise<{ username: string; password: string } | null>;
  guard: ChangeGuard;
  clock: Clock;
  random: Random;
  log: Log;
  env: Readonly<Record<string, string | undefined>>;
  homeDir: string;
  pid: number;
  /** Whether commands that projects name for their messages may be run on this machine. */
  allowMessageCommands: () => boolean;
  /** Whether objects and refs are to reach the disk before going on. */
  fsync: () => boolean;
  /** Keeps commits out of a person's burst of git commands; left out: they are only kept apart by git's locks. */
  giveWay?: GiveWay;
  /** How a project with an account of its own reaches its hosts; left out: all do it alike. */
  forProject?(github: GithubConfig): Pick<SyncPorts, 'transport' | 'credentialFor'>;
  /**
   * Why the host would refuse a push to this branch, in words, as far as it tells; null when nothing is known against
   * it. Left out: nobody knows. Never throws a `Failure`.
   */
  whyRefused?(push: {
    url: string;
    branch: string;
    github: GithubConfig;
    signal: AbortSignal;
  }): Promise<string | null>;
  /** Whose git tools push where `github.engine` is `mcp`; left out: nobody's. */
  mcpClient?: McpGitClient;
  /**
   * Called at the named steps of a commit and at `push-ready`, `push-answered` and `tracking-noted`, so that tests can
   * end the process there. The service never sets it.
   */
  faultPoint?: FaultPoint;
};
