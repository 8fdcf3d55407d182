// What the guard keeps on the machine, as the API controls it: what is held, letting files go, confirming deletions.
// Decides by what the last sync found; the sync that is queued looks at the contents anew.

import { folderIdentity, openRepository } from '../git/repository.ts';
import { Failure } from '../model/failure.ts';
import { fingerprintOf, isReleasable } from '../model/held-file.ts';
import type { ProjectId } from '../model/ids.ts';
import type { HeldFile, Project } from '../model/project.ts';
import type { ReleaseInput, Service } from '../model/service.ts';
import type { Pipeline } from '../pipeline-ports.ts';
import { findSettings } from '../projects/settings-home.ts';
import type { Database } from '../store/database.ts';
import { confirmDeletions, releaseFiles } from '../store/releases.ts';
import { mustFindProject } from './project-control.ts';

type HeldControl = Pick<Service, 'heldBack' | 'releaseHeld' | 'confirmDeletions'>;

type HeldPorts = Pick<Service, 'machineId' | 'updateProject'> & {
  db: Database;
  /** @throws Failure `service-stopped` */
  started(): Pick<Pipeline, 'triggerProject'>;
};

export function createHeldControl(ports: HeldPorts): HeldControl {
  const { db } = ports;
  return {
    async heldBack(projectId) {
      const { heldFiles, refusedDeletions } = (await mustFindProject(db, projectId)).facts;
      return { files: heldFiles, deletions: refusedDeletions };
    },
    async releaseHeld(projectId, input) {
      const project = await findEnabled(projectId, ports);
      const files = chosenFiles(project, input);
      if (input.scope === 'always') await allowAlways(project, files, ports);
      else await releaseFiles(db, projectId, files.map(contentOf));
      return syncNow(projectId, ports);
    },
    async confirmDeletions(projectId, token) {
      const project = await findEnabled(projectId, ports);
      const { refusedDeletions: refused } = project.facts;
      if (refused === null)
        throw new Failure('no-deletions', `No deletions of "${projectId}" wait for a word.`);
      if (refused.digest !== token || !(await isSameFolder(project, refused.root, ports)))
        throw changed(projectId);
      if (!(await confirmDeletions(db, projectId, token))) throw changed(projectId);
      return syncNow(projectId, ports);
    },
  };
}

/** Before anything is stored: a release that no sync could use would surprise later. */
async function findEnabled(projectId: ProjectId, { db, started }: HeldPorts): Promise<Project> {
  const project = await mustFindProject(db, projectId);
  if (!project.github.enabled) {
    throw new Failure('project-disabled', `The project "${projectId}" is disabled.`);
  }
  started();
  return project;
}

function syncNow(projectId: ProjectId, { started }: HeldPorts) {
  return started().triggerProject(projectId, { immediate: true });
}

/** All or none. @throws Failure `file-not-held`, `file-not-releasable` */
function chosenFiles({ projectId, facts }: Project, { paths, fingerprints }: ReleaseInput): HeldFile[] {
  const held = facts.heldFiles;
  const unknown = [
    ...paths.filter((path) => !held.some((file) => file.path === path)),
    ...fingerprints.filter((name) => !held.some((file) => fingerprintOf(file) === name)),
  ];
  if (unknown.length > 0) {
    throw new Failure('file-not-held', `The project "${projectId}" does not hold ${named(unknown)}.`);
  }
  const chosen = held.filter(
    (file) => paths.includes(file.path) || fingerprints.includes(fingerprintOf(file) ?? ''),
  );
  const stuck = chosen.filter((file) => !isReleasable(file)).map(({ path }) => path);
  if (stuck.length === 0) return chosen;
  throw new Failure('file-not-releasable', `No word of a person lets ${named(stuck)} go.`);
}

const MOST_NAMED = 5;

function named(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  return `${names.slice(0, MOST_NAMED).join(', ')}${more}`;
}

function contentOf({ path, oid = '' }: HeldFile) {
  return { path, oid };
}

/** By content and in the settings' one home: another content under the same name is held again. */
async function allowAlways(project: Project, files: readonly HeldFile[], ports: HeldPorts): Promise<void> {
  const { projectId, path, machineId } = project;
  if (machineId !== ports.machineId) {
    throw new Failure(
      'project-elsewhere',
      `The settings of "${projectId}" are on the machine ${machineId}.`,
      {
        action: 'Ask the gitferry of that machine, or release the file once.',
      },
    );
  }
  const found = await findSettings(path);
  const allowed = (found.github ?? project.github).guard?.allow ?? [];
  const fingerprints = files.flatMap((file) => fingerprintOf(file) ?? []);
  const allow = [...new Set([...allowed, ...fingerprints])];
  await ports.updateProject(projectId, { github: { guard: { allow } } });
}

/** The folder that was shown, with its repository: what is not mounted now must not count as emptied. */
async function isSameFolder({ path, machineId }: Project, root: string | undefined, ports: HeldPorts) {
  if (machineId !== ports.machineId) return true;
  await openRepository(path);
  return root === undefined || (await folderIdentity(path)) === root;
}

function changed(projectId: ProjectId): Failure {
  return new Failure(
    'deletions-changed',
    `Other files of "${projectId}" are gone than those that were shown.`,
  );
}
