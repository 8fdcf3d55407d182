// Reads a project's own settings file. Never writes; knows nothing of the database.

import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { FileMemory } from '../host/file-memory.ts';
import { readFile, stat } from '../host/small-files.ts';
import { type Reason, reasonOf } from '../model/failure.ts';
import { type ProjectFile, ProjectFileSchema } from '../model/project-config.ts';
import { JsonSyntaxError, positionAt, scanJson } from './json-text.ts';

export const PROJECT_FILE = 'project.json';
const MOST_BYTES = 1024 * 1024;
const BOM = '\uFEFF';

export type ProjectFileReading =
  | { readonly kind: 'absent' }
  /** `file` has its defaults filled in; `version` is what the file itself says. */
  | { readonly kind: 'valid'; readonly file: ProjectFile; readonly version: 1 | 2 }
  | { readonly kind: 'invalid'; readonly reason: Reason };

/**
 * Reads `project.json` of a project folder. A file without a version, or with version 1, is version 1: it has the
 * same fields at the same places and is upgraded when it is next written.
 */
export async function readProjectFile(folder: string): Promise<ProjectFileReading> {
  const path = join(folder, PROJECT_FILE);
  const found = await look(path);
  if (found === null) return { kind: 'absent' };
  if ('code' in found) return { kind: 'invalid', reason: found };
  const { text, stats, lookedAt } = found;
  if (text === null) return found.known;
  const reading = parseProjectFile(text, path);
  memory.keep(path, stats, lookedAt, reading);
  return reading;
}

/** Every sync asks: what has not changed is only looked at. */
const memory = new FileMemory<ProjectFileReading>();

/** Checks the text of a project file; `path` is for messages. A byte order mark is passed over. */
export function parseProjectFile(
  text: string,
  path: string,
): Exclude<ProjectFileReading, { kind: 'absent' }> {
  const invalid = (detail: string) => {
    return { kind: 'invalid', reason: reasonOf('project-file-invalid', `${path}: ${detail}`) } as const;
  };
  const bare = withoutBom(text);
  try {
    scanJson(bare);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const { line, column } = positionAt(bare, error.offset);
    return invalid(`line ${line}, column ${column}: ${error.message}.`);
  }
  const value: unknown = JSON.parse(bare);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return invalid('line 1, column 1: expected an object.');
  }
  const version = versionOf(value);
  if (version === null) return invalid('version: this gitferry reads versions 1 and 2.');
  const parsed = ProjectFileSchema.safeParse({ ...value, version: 2 });
  if (!parsed.success) return invalid(parsed.error.issues.slice(0, 5).map(describeIssue).join('; '));
  return { kind: 'valid', file: parsed.data, version };
}

export function withoutBom(text: string): string {
  return text.startsWith(BOM) ? text.slice(BOM.length) : text;
}

/** Names the place of a fault in the form of `github.remotes[0].url`. */
function describeIssue({ path, message }: z.core.$ZodIssue): string {
  const place = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return `${place.replace(/^\./, '') || 'the file'}: ${message}`;
}

function versionOf(value: object): 1 | 2 | null {
  const version = 'version' in value ? value.version : 1;
  return version === 1 || version === 2 ? version : null;
}

type Found = { stats: BigIntStats; lookedAt: number } & (
  | { text: string }
  | { text: null; known: ProjectFileReading }
);

/** Null when there is no such file; a reason when it cannot be read; no text when it is known from before. */
async function look(path: string): Promise<Found | Reason | null> {
  try {
    const lookedAt = memory.now();
    const stats = await stat(path, { bigint: true });
    // A named pipe would be waited for, without end.
    if (!stats.isFile()) return reasonOf('project-file-invalid', `${path}: is not a file.`);
    const { size } = stats;
    if (size > MOST_BYTES) {
      return reasonOf('project-file-invalid', `${path}: has ${size} bytes; at most ${MOST_BYTES} are read.`);
    }
    const known = memory.find(path, stats);
    return known === undefined
      ? { stats, lookedAt, text: await readFile(path, 'utf8') }
      : { stats, lookedAt, text: null, known };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    return reasonOf('project-file-invalid', `${path}: cannot be read (${code ?? String(error)}).`);
  }
}
