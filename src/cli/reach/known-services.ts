// Which databases this user's services use, so that a command finds them from any folder. Only paths are kept.

import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../host/types.ts';
import { unlessAbsent } from '../../host/unless-absent.ts';
import { runtimeFileOf } from './runtime-file.ts';

type Place = Pick<Host, 'env' | 'homeDir' | 'platform'>;

/** The folder of this user's state, as each system wants it. */
export function stateFolderOf({ env, homeDir, platform }: Place): string {
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(homeDir, 'AppData', 'Local'), 'gitferry');
  if (platform === 'darwin') return join(homeDir, 'Library', 'Application Support', 'gitferry');
  return join(env.XDG_STATE_HOME || join(homeDir, '.local', 'state'), 'gitferry');
}

const servicesFolder = (place: Place) => join(stateFolderOf(place), 'services');

/** Idempotent. @throws the system's error when the folder cannot be written */
export async function rememberService(databasePath: string, place: Place): Promise<void> {
  const folder = servicesFolder(place);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = createHash('sha256').update(databasePath).digest('hex').slice(0, 16);
  await writeFile(join(folder, name), `${databasePath}\n`, { mode: 0o600 });
}

/** Databases that are still there, or whose runtime file is; forgets the others. */
export async function knownServices(place: Place): Promise<string[]> {
  const folder = servicesFolder(place);
  const found: string[] = [];
  for (const name of await namesIn(folder)) {
    const file = join(folder, name);
    const path = await pathIn(file);
    if (path === null) continue;
    if ((await exists(path)) || (await exists(runtimeFileOf(path)))) found.push(path);
    else await rm(file, { force: true });
  }
  return found.sort();
}

async function namesIn(folder: string): Promise<string[]> {
  return (await unlessAbsent(readdir(folder))) ?? [];
}

/** Null when another process has forgotten it meanwhile. */
async function pathIn(file: string): Promise<string | null> {
  return (await unlessAbsent(readFile(file, 'utf8')))?.trim() ?? null;
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
