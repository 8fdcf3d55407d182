// Random texts and trees from a seed, small enough that changes collide often. Knows no merge.

import type { GitRepo } from './git-repo.ts';

/** Uniform in [0, 1), the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Random = () => number;
export const pick = <T>(random: Random, items: readonly T[]): T =>
  items[Math.floor(random() * items.length)] as T;

/** Lines of a text; few kinds, so that many are alike. */
export function randomLines(random: Random, most: number, kinds: number): string[] {
  return Array.from({ length: Math.floor(random() * most) }, () => `${Math.floor(random() * kinds)}`);
}

/** The lines after some insertions, deletions and replacements, mostly near each other. */
export function editLines(random: Random, lines: readonly string[], kinds: number, edits: number): string[] {
  const edited = [...lines];
  for (let left = Math.ceil(random() * edits); left > 0; left--) {
    const at = Math.floor(random() * (edited.length + 1));
    const count = Math.floor(random() * 3);
    const fresh = random() < 0.4 ? `new ${Math.floor(random() * 3)}` : `${Math.floor(random() * kinds)}`;
    if (random() < 0.4) edited.splice(at, count + 1);
    else if (random() < 0.5) edited.splice(at, 0, ...Array.from({ length: count + 1 }, () => fresh));
    else edited.splice(at, count, fresh);
  }
  return edited;
}

/** Text of lines, now and then without the last line end. */
export function textOf(random: Random, lines: readonly string[]): string {
  const text = lines.map((line) => `${line}\n`).join('');
  return random() < 0.15 ? text.slice(0, -1) : text;
}

export type Files = Map<string, { mode: '100644' | '100755' | '120000' | '160000'; content: string }>;

const PATHS = ['a', 'b', 'a/x', 'a/y', 'b/x', 'c', 'd/e/f', 'd/e', 'd/g', 'h.bin', 'ä ö.txt'];

/** Puts a file in place of whatever stands in its way. */
function put(
  files: Files,
  path: string,
  file: { mode: '100644' | '100755' | '120000' | '160000'; content: string },
) {
  for (const other of [...files.keys()]) {
    if (other.startsWith(`${path}/`) || path.startsWith(`${other}/`)) files.delete(other);
  }
  files.set(path, file);
}

export function randomFiles(random: Random): Files {
  const files: Files = new Map();
  for (let count = 0; count < 6; count++) put(files, pick(random, PATHS), randomFile(random));
  return files;
}

export function editFiles(random: Random, files: Files): Files {
  const edited: Files = new Map(files);
  for (let left = Math.ceil(random() * 3); left > 0; left--) {
    const path = pick(random, random() < 0.7 ? [...edited.keys(), 'z'] : PATHS);
    const file = edited.get(path);
    const dice = random();
    if (file === undefined) put(edited, path, randomFile(random));
    else if (dice < 0.25) edited.delete(path);
    else if (dice < 0.35) edited.set(path, { ...file, mode: file.mode === '100644' ? '100755' : '100644' });
    else if (dice < 0.45) put(edited, `${path}/sub`, randomFile(random));
    else if (dice < 0.55) edited.set(path, randomFile(random));
    else
      edited.set(path, {
        ...file,
        content: textOf(() => 1, editLines(random, file.content.split('\n'), 4, 2)),
      });
  }
  return edited;
}

function randomFile(random: Random) {
  const dice = random();
  const content = textOf(random, randomLines(random, 12, 6));
  if (dice < 0.1) return { mode: '120000' as const, content: `target-${Math.floor(random() * 3)}` };
  if (dice < 0.15) return { mode: '160000' as const, content: `${Math.floor(random() * 3)}` };
  if (dice < 0.2) return { mode: '100644' as const, content: `\0${content}` };
  return { mode: dice < 0.3 ? ('100755' as const) : ('100644' as const), content };
}

/** A parent is a commit's id, or `:n` for the n-th plan of the same call, counted from 1. */
export type CommitPlan = { files: Files; parents: readonly string[] };

/** Commits all of them with one git command and without a work tree, a second apart; answers the commits' ids. */
export async function commitFiles(
  git: GitRepo,
  plans: readonly CommitPlan[],
  time: number,
): Promise<string[]> {
  const parts = plans.map(({ files, parents: [from, ...merged] }, at) =>
    [
      // Without this, what was committed to the ref before would be the parent.
      'reset refs/made\n',
      `commit refs/made\nmark :${at + 1}\ncommitter T <t@example.com> ${time + at} +0000\ndata 1\nx\n`,
      from === undefined ? '' : `from ${from}\n`,
      ...merged.map((parent) => `merge ${parent}\n`),
      'deleteall\n',
      ...[...files].map(entryLine),
      `get-mark :${at + 1}\n`,
    ].join(''),
  );
  const ids = await git.gitBytes(['fast-import', '--quiet', '--force'], parts.join(''));
  return ids.toString().trim().split('\n');
}

function entryLine([path, { mode, content }]: [string, { mode: string; content: string }]): string {
  if (mode === '160000') {
    const oid = content.replace(/\D/g, '').padStart(40, '1').slice(0, 40);
    return `M 160000 ${oid} ${quoted(path)}\n`;
  }
  return `M ${mode} inline ${quoted(path)}\ndata ${Buffer.byteLength(content)}\n${content}\n`;
}

function quoted(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
