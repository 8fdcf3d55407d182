// The repositories of projects on their host, as the API controls them: what the host says of one, making one for a
// folder, and a pull request for work that waits beside its branch. Hosts without an API say so.

import { basename } from 'node:path';
import type { BranchRules } from '../github/branch-rules.ts';
import { noApi, type RepositoryLookup } from '../github/repositories.ts';
import type { RepositoryRef } from '../github/repository-path.ts';
import type { GithubClient } from '../github/rest-client.ts';
import { Failure, type Reason, reasonOf } from '../model/failure.ts';
import type {
  CreatedRepository,
  ProjectPullRequest,
  RepositoryStatus,
  WantedPullRequest,
  WantedRepository,
} from '../model/github.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';
import type { GithubConfig } from '../model/project-config.ts';
import type { Service } from '../model/service.ts';
import { type RemoteRef, remoteRefOf } from '../projects/remote-ref.ts';

type RepositoryPorts = {
  github: Pick<GithubClient, 'lookUpRepository' | 'createRepository' | 'readBranchRules' | 'openPullRequest'>;
  hasApi(host: string): boolean;
  env: Readonly<Record<string, string | undefined>>;
  homeDir: string;
  machineId: string;
  findProject(projectId: ProjectId): Promise<Project>;
};

const DEFAULT_HOST = 'github.com';

/** Makes the repository for a folder that has none. @throws Failure as `createRepository`, `no-github-api` */
export async function createFor(
  folder: string,
  wanted: WantedRepository,
  authentication: GithubConfig['authentication'] | undefined,
  { github, hasApi }: Pick<RepositoryPorts, 'github' | 'hasApi'>,
): Promise<CreatedRepository> {
  const { host = DEFAULT_HOST, owner = null, name = repositoryName(folder), description } = wanted;
  if (!hasApi(host)) throw noApi(host);
  const { created, repository } = await github.createRepository({
    ...{ host, owner, name, private: wanted.private ?? true },
    ...(authentication && { as: authentication }),
    ...(description !== undefined && { description }),
  });
  return { fullName: repository.fullName, url: repository.cloneUrl, private: repository.private, created };
}

/** Hosts take letters, digits, `.`, `-` and `_`; anything else becomes a hyphen, as on their own pages. */
function repositoryName(folder: string): string {
  const name = basename(folder)
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 100);
  if (name !== '') return name;
  throw new Failure('invalid-request', `No repository can be named after ${folder}.`, {
    data: { errors: [{ path: 'create.name', message: 'is needed: the folder has no usable name' }] },
  });
}

export function createRepositoryControl(
  ports: RepositoryPorts,
): Pick<Service, 'repository' | 'openPullRequest'> {
  return {
    async repository(projectId) {
      const project = await ports.findProject(projectId);
      const remote = await mustHaveRemote(project, ports);
      return describe(project, remote, ports);
    },
    async openPullRequest(projectId, wanted) {
      const project = await ports.findProject(projectId);
      const remote = await mustHaveRemote(project, ports);
      return requestPull(project, remote, wanted, ports);
    },
  };
}

/** @throws Failure `project-elsewhere`, `remote-missing` */
async function mustHaveRemote(project: Project, ports: RepositoryPorts): Promise<RemoteRef> {
  if (project.machineId !== ports.machineId) {
    const detail = `The folder of ${project.projectId} is on the machine ${project.machineId}.`;
    throw new Failure('project-elsewhere', detail);
  }
  const remote = await remoteRefOf(project, ports);
  if (remote !== null) return remote;
  throw new Failure('remote-missing', `${project.projectId} has no remote that could be asked.`);
}

function refOf({ github }: Project, { host, owner, name }: RemoteRef): RepositoryRef {
  return { host, owner, name, as: github.authentication };
}

async function describe(
  project: Project,
  remote: RemoteRef,
  { github, hasApi }: RepositoryPorts,
): Promise<RepositoryStatus> {
  const base = {
    ...{ remoteUrl: remote.url, host: remote.host, fullName: null, private: null, defaultBranch: null },
    refusedPush: null,
  };
  if (!hasApi(remote.host)) return { ...base, state: 'no-api', reason: noApi(remote.host).reason };
  try {
    const found = await github.lookUpRepository(refOf(project, remote));
    const status = { ...base, ...judged(found, remote, project) };
    if (found.kind !== 'found') return status;
    const { fullName, defaultBranch, isAdmin } = found;
    const { branch } = project.facts;
    const rules: BranchRules =
      branch === null
        ? { kind: 'unknown' }
        : await github.readBranchRules({ ...refOf(project, remote), branch, isAdmin });
    const refusedPush = rules.kind === 'refused' ? rules.why : null;
    return { ...status, fullName, private: found.private, defaultBranch, refusedPush };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...base, state: 'unknown', reason: error.reason };
  }
}

function judged(
  found: RepositoryLookup,
  { host, owner, name }: RemoteRef,
  { facts }: Project,
): { state: RepositoryStatus['state']; reason: Reason | null } {
  const asked = `${owner}/${name}`;
  switch (found.kind) {
    case 'no-api':
      return { state: 'no-api', reason: noApi(host).reason };
    case 'absent': {
      // To whoever may not read it, a repository looks as one that was deleted.
      const was =
        facts.lastSafeAt === null ? '' : ' It was there: it was deleted, or the access was taken away.';
      return {
        state: 'absent',
        reason: reasonOf('repository-not-found', `${host} shows this account no repository ${asked}.${was}`),
      };
    }
    case 'renamed': {
      const detail = `${asked} is now ${found.fullName}: ${found.cloneUrl}`;
      return { state: 'renamed', reason: reasonOf('repository-renamed', detail) };
    }
    case 'found':
      if (found.archived) {
        return { state: 'archived', reason: reasonOf('repository-archived', `${asked} is archived.`) };
      }
      if (!found.canPush) {
        const detail = `The account may read ${asked}, not write to it.`;
        return { state: 'read-only', reason: reasonOf('push-forbidden', detail) };
      }
      return { state: 'found', reason: null };
    default:
      return found satisfies never;
  }
}

async function requestPull(
  project: Project,
  remote: RemoteRef,
  wanted: WantedPullRequest,
  { github, hasApi }: RepositoryPorts,
): Promise<ProjectPullRequest> {
  if (!hasApi(remote.host)) throw noApi(remote.host);
  const asides = project.facts.remotes.find(({ primary }) => primary)?.asides ?? [];
  const aside = asides.find(
    ({ branch, head }) => wanted.branch === undefined || [branch, head].includes(wanted.branch),
  );
  if (aside === undefined) {
    const which = wanted.branch === undefined ? '' : ` of ${wanted.branch}`;
    throw new Failure('no-side-branch', `No work${which} of ${project.projectId} waits beside its branch.`);
  }
  const { branch: base, head, why } = aside;
  const pull = await github.openPullRequest({
    ...{ ...refOf(project, remote), head, base },
    title: wanted.title ?? `Changes to ${base} from ${project.machineId}`,
    body: wanted.body ?? `Synced by gitferry from ${project.projectName} on ${project.machineId}. ${why}.`,
    draft: wanted.draft ?? false,
  });
  return { ...pull, head, base };
}
