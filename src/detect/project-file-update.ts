// Changes a project's own settings file: whole or not at all, and nothing in it that was not asked for.

import { randomUUID } from 'node:crypto';
import { chmod, constants, copyFile, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unlessAbsent } from '../host/unless-absent.ts';
import { Failure } from '../model/failure.ts';
import type { GithubConfigPatch, ProjectFile } from '../model/project-config.ts';
import { editJson } from './json-edit.ts';
import { PROJECT_FILE, parseProjectFile, readProjectFile, withoutBom } from './project-file.ts';

export type ProjectFilePatch = { projectName?: string; github?: GithubConfigPatch };

// A person or program that saves the file at the same moment wins; then the change is made to what they saved.
const MOST_TRIES = 5;

// One change of a file at a time in this process: each builds on the one before.
const lastByPath = new Map<string, Promise<unknown>>();

/**
 * Merges a patch into `project.json` (objects key by key, arrays replace, `null` removes) and answers the file with
 * defaults filled in. Keeps unknown keys, their order, the indentation, the mode and a symbolic link; makes a
 * version 2 file when there is none; upgrades version 1, keeping a copy in `project.json.v1.bak`. Idempotent.
 * @throws Failure `project-file-invalid` (the file is broken and stays as it is), `invalid-request` (the patch would
 * break it), `folder-missing`, `write-refused`, `disk-full`, `file-changing`
 */
export async function updateProjectFile(folder: string, patch: ProjectFilePatch): Promise<ProjectFile> {
  const path = join(folder, PROJECT_FILE);
  const before = lastByPath.get(path) ?? Promise.resolve();
  const done = before.catch(() => {}).then(() => update(folder, path, patch));
  lastByPath.set(path, done);
  try {
    return await done;
  } finally {
    if (lastByPath.get(path) === done) lastByPath.delete(path);
  }
}

async function update(folder: string, path: string, patch: ProjectFilePatch): Promise<ProjectFile> {
  for (let attempt = 1; attempt <= MOST_TRIES; attempt += 1) {
    const reading = await readProjectFile(folder);
    if (reading.kind === 'invalid') {
      throw new Failure('project-file-invalid', reading.reason.detail);
    }
    const old = reading.kind === 'absent' ? null : await readFile(path, 'utf8');
    const text = edited(old, patch);
    const result = parseProjectFile(text, path);
    if (result.kind === 'invalid') throw new Failure('invalid-request', result.reason.detail);
    if (text === old) return result.file;
    if (old !== null && reading.kind === 'valid' && reading.version === 1) await keepOldVersion(path);
    if (await replaceFile(path, old, text)) return result.file;
  }
  throw new Failure('file-changing', `${path} is being changed by another program again and again.`);
}

function edited(old: string | null, patch: ProjectFilePatch): string {
  if (old === null) return `${editJson('{}', { version: 2, ...patch })}\n`;
  const bare = withoutBom(old);
  const text = editJson(bare, { version: 2, ...patch });
  return old.slice(0, old.length - bare.length) + text;
}

async function keepOldVersion(path: string): Promise<void> {
  try {
    await copyFile(path, `${path}.v1.bak`, constants.COPYFILE_EXCL);
  } catch (error) {
    // The first copy is the one worth keeping.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw writeFailure(path, error);
  }
}

/** False when the file is not (any more) what `old` says; then nothing was changed. */
async function replaceFile(path: string, old: string | null, text: string): Promise<boolean> {
  const target = old === null ? path : await realpath(path);
  const temporary = join(dirname(target), `.${PROJECT_FILE}.${randomUUID()}.tmp`);
  try {
    await writeDurably(temporary, text);
    if (old !== null) await chmod(temporary, (await stat(target)).mode & 0o7777);
    if ((await currentText(path)) !== old) return false;
    await rename(temporary, target);
    return true;
  } catch (error) {
    throw writeFailure(path, error);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function currentText(path: string): Promise<string | null> {
  return unlessAbsent(readFile(path, 'utf8'));
}

function writeFailure(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const folder = dirname(path);
  if (code === 'ENOENT')
    return new Failure('folder-missing', `There is no folder ${folder}.`, { cause: error });
  if (code === 'ENOSPC')
    return new Failure('disk-full', `No space is left to write ${path}.`, { cause: error });
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return error;
  const action = `Give the user that runs gitferry permission to write to ${folder}.`;
  return new Failure('write-refused', `${path} cannot be written (${code}).`, { cause: error, action });
}
