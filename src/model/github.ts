// What only a host with an API can tell or do: accounts, repositories, pull requests; and what an upload would be.

import type { Reason } from './failure.ts';
import type { ProjectId } from './ids.ts';
import type { HeldFile } from './project.ts';

/**
 * - `ok`: the host takes it; - `ends-soon`: within a week; - `ended`, `rejected`: the host takes it no more;
 * - `missing`: a project needs it and nobody has one; - `unreadable`: the place that has it cannot be read;
 * - `unchecked`: the host has no API, or cannot be asked now.
 */
export const CREDENTIAL_STATES = [
  'ok',
  'ends-soon',
  'ended',
  'rejected',
  'missing',
  'unreadable',
  'unchecked',
] as const;
export type CredentialState = (typeof CREDENTIAL_STATES)[number];

/** A credential without its secret. Instants are epoch milliseconds. */
export type CredentialStatus = {
  /** `host`, or `name@host` for one of several accounts. */
  key: string;
  name: string | null;
  host: string;
  /** Where it comes from, and the variable, file or program there; null when there is none. */
  source: string | null;
  from: string | null;
  state: CredentialState;
  /** In words, for example "The token ends in 5 days."; null when all is well. */
  reason: Reason | null;
  login: string | null;
  /** Null: the host does not say. */
  scopes: string[] | null;
  expiresAt: number | null;
  checkedAt: number | null;
  projectIds: ProjectId[];
};

/** What a folder would bring to its remote if it were synced now. */
export type UploadPreview = {
  isRepository: boolean;
  branch: string | null;
  remoteUrl: string | null;
  /** New on the remote, held ones left out. */
  files: number;
  /** Not compressed. */
  bytes: number;
  uncommittedFiles: number;
  unpushedCommits: number;
  /** The first of the files. */
  sample: string[];
  heldCount: number;
  held: HeldFile[];
};

/** What is to be made on the host; left out: on github.com, for the account itself, named as the folder, private. */
export type WantedRepository = {
  host?: string;
  owner?: string;
  name?: string;
  private?: boolean;
  description?: string;
};

export type CreatedRepository = {
  fullName: string;
  url: string;
  private: boolean;
  /** False: an empty one with this name was there. */
  created: boolean;
};

/**
 * - `renamed`: pushes follow it; - `archived`, `read-only`, `absent`: a person has to act;
 * - `no-api`: only git works with this host; - `unknown`: it could not be asked now.
 */
export const REPOSITORY_STATES = [
  'found',
  'renamed',
  'archived',
  'read-only',
  'absent',
  'no-api',
  'unknown',
] as const;

export type RepositoryStatus = {
  state: (typeof REPOSITORY_STATES)[number];
  reason: Reason | null;
  /** Where the project pushes to; without credentials. */
  remoteUrl: string;
  host: string;
  fullName: string | null;
  private: boolean | null;
  defaultBranch: string | null;
  /** Of the synced branch that is checked out: why the host would refuse a push; null when nothing is known. */
  refusedPush: string | null;
};

export type WantedPullRequest = { branch?: string; title?: string; body?: string; draft?: boolean };

export type ProjectPullRequest = {
  number: number;
  url: string;
  created: boolean;
  head: string;
  base: string;
};
