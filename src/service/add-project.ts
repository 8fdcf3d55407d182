// Taking a folder in: made a repository first where that is asked for, and given one on the host.

import { realpath } from 'node:fs/promises';
import { readGitConfig } from '../git/config/user-config.ts';
import { initRepository } from '../git/preview/init-repository.ts';
import { chooseRemote } from '../git/remote/remote-choice.ts';
import { openRepository } from '../git/repository.ts';
import { Failure } from '../model/failure.ts';
import type { Project } from '../model/project.ts';
import { type GithubConfigPatch, GithubConfigSchema } from '../model/project-config.ts';
import type { AddProject } from '../model/service.ts';
import { type EnrolPorts, enrolProject } from '../projects/enrol.ts';
import { findSettings } from '../projects/settings-home.ts';
import { updateSettings } from '../projects/update.ts';
import type { GithubTools } from '../runner/github-tools.ts';
import { findSavedProject } from '../store/projects.ts';
import { requireNamedFolder } from './named-folder.ts';
import { createFor } from './repository-control.ts';

type Ports = { enrol: EnrolPorts; tools: Pick<GithubTools, 'github' | 'hasApi'> };

/** What was made stays when a later step fails: the same request again goes on from there. */
export async function addProject(
  { path, projectName, github, init = false, create }: AddProject,
  { enrol, tools }: Ports,
): Promise<Project> {
  await requireNamedFolder(path);
  if (init && !(await isRepository(path))) await initRepository(path, enrol);
  const patch =
    create === undefined
      ? github
      : { ...github, remoteUrl: await makeRemote(path, github, create, { enrol, tools }) };
  const added = await enrolProject({ path, ...(projectName !== undefined && { projectName }) }, enrol);
  return patch === undefined ? added : updateSettings(added, { github: patch }, enrol);
}

/** Only a folder that is plainly none: what is broken must not be made anew. */
async function isRepository(path: string): Promise<boolean> {
  try {
    await openRepository(path);
    return true;
  } catch (error) {
    if (error instanceof Failure && error.code === 'not-a-repository') return false;
    throw error;
  }
}

async function makeRemote(
  path: string,
  github: GithubConfigPatch | undefined,
  create: NonNullable<AddProject['create']>,
  { enrol, tools }: Ports,
): Promise<string> {
  const { env, homeDir } = enrol;
  const settings = await findSettings(path);
  const config = await readGitConfig({ repo: await openRepository(path), env, homeDir });
  const saved = await findSavedProject(enrol.db, enrol.machineId, await realpath(path));
  const known = settings.github ?? saved?.project.github;
  const remoteUrl = github?.remoteUrl ?? known?.remoteUrl;
  const chosen = chooseRemote(remoteUrl === undefined ? {} : { remoteUrl }, config, { keepSsh: true });
  if (chosen.kind === 'chosen') {
    throw new Failure('remote-exists', `${path} has the remote ${chosen.remote.url}; none was made.`);
  }
  const { authentication } = GithubConfigSchema.parse({
    ...(github?.authentication && { authentication: github.authentication }),
  });
  return (await createFor(path, create, authentication, tools)).url;
}
