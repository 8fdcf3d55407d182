// What the machine itself must offer: git, file watches, room on the disk.

import { readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { whyNoGit } from '../git/system/git-program.ts';
import { FAILURES } from '../model/failure-codes.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export async function checkGit(env: Environment): Promise<Finding> {
  const why = await whyNoGit(env);
  if (why === null) return ok('git', 'git can be run, and is new enough.');
  // The built-in engine serves most repositories without it.
  return warning(
    'git',
    `${why}: repositories with hooks, LFS, signing or SSH cannot be synced.`,
    gitAction(),
  );
}

const gitAction = () => FAILURES['git-missing'].action;

/** Where Linux keeps its limits. */
const INOTIFY = '/proc/sys/fs/inotify';
const LIMITS = [
  { name: 'max_user_watches', least: 65_536, better: 524_288 },
  { name: 'max_user_instances', least: 64, better: 1_024 },
] as const;

/** `folders` are watched now or would be: one watch each. Systems without these limits have nothing to say. */
export async function checkWatches(folders: number, place = INOTIFY): Promise<Finding[]> {
  const findings = await Promise.all(
    LIMITS.map(async ({ name, least, better }): Promise<Finding | null> => {
      const limit = await numberIn(join(place, name));
      if (limit === null) return null;
      const key = `fs.inotify.${name}`;
      const needed = name === 'max_user_watches' ? Math.max(least, folders * 2) : least;
      if (limit >= needed) return ok(['watches', key], `${key} is ${limit}.`);
      const raised = Math.max(better, needed);
      const now = `sudo sysctl ${key}=${raised}`;
      const lasting = `echo ${key}=${raised} | sudo tee /etc/sysctl.d/60-gitferry.conf`;
      const action = `${now} (to keep it: ${lasting})`;
      const detail = `${key} is ${limit}; ${needed} are advised. Above the limit folders are scanned, not watched.`;
      return limit < folders
        ? fault(['watches', key], detail, action)
        : warning(['watches', key], detail, action);
    }),
  );
  return findings.filter((found) => found !== null);
}

async function numberIn(path: string): Promise<number | null> {
  try {
    return Number((await readFile(path, 'utf8')).trim());
  } catch (error) {
    // Not Linux, or a system that hides it.
    if (['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

const TIGHT_BYTES = 1_000_000_000;
const FULL_BYTES = 50_000_000;

export async function checkDisk(folder: string, read: typeof statfs = statfs): Promise<Finding> {
  const { bavail, bsize } = await read(folder);
  const free = bavail * bsize;
  const detail = `${(free / 1_000_000_000).toFixed(1)} GB are free at ${folder}.`;
  if (free < FULL_BYTES) return fault(['disk', folder], detail, FAILURES['disk-full'].action);
  if (free < TIGHT_BYTES) return warning(['disk', folder], detail, FAILURES['disk-full'].action);
  return ok(['disk', folder], detail);
}
