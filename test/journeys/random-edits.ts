// Random work on the files of a folder, and the book of what must be there afterwards. Knows nothing of git.

import { createHash } from 'node:crypto';
import {
  appendFile,
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Dice } from '../support/journey.ts';

/** What a path is: git's mode and the content (of a link: its target). */
type Entry = { mode: '100644' | '100755' | '120000'; content: string };
export type Book = Map<string, Entry>;

// Few names, so that files meet folders of the same name and the reverse.
const NAMES = ['ant', 'bee', 'cow', 'dog', 'elk', 'fox', 'gnu', 'hen'];

export function createEditor(root: string, folder: string, dice: Dice) {
  let book: Book = new Map();
  let edits = 0;
  const at = (path: string) => join(root, path);
  const below = (path: string) => [...book.keys()].filter((each) => each.startsWith(`${path}/`));
  const newPath = () =>
    [folder, ...Array.from({ length: 1 + dice.below(3) }, () => dice.pick(NAMES))].join('/');
  const text = () => `${edits} ${dice.pick(NAMES)}\n`.repeat(1 + dice.below(20));
  const existing = (fits: (entry: Entry) => boolean = () => true) => {
    const paths = [...book].filter(([path, entry]) => path.startsWith(folder) && fits(entry));
    return paths.length === 0 ? null : dice.pick(paths);
  };
  const isFile = (entry: Entry) => entry.mode !== '120000';

  /** Nothing is at the path, and its parents are folders: what was in the way is gone. */
  async function makeRoom(path: string): Promise<void> {
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
      if (!book.delete(parent)) continue;
      await rm(at(parent));
    }
    for (const gone of [path, ...below(path)]) book.delete(gone);
    await rm(at(path), { recursive: true, force: true });
    await mkdir(dirname(at(path)), { recursive: true });
  }

  async function write(): Promise<void> {
    const path = newPath();
    const content = text();
    if (book.has(path) && isFile(book.get(path) as Entry) && dice.below(2) === 0) {
      await writeFile(at(path), content);
      book.set(path, { mode: (book.get(path) as Entry).mode, content });
      return;
    }
    await makeRoom(path);
    await writeFile(at(path), content, { mode: 0o644 });
    book.set(path, { mode: '100644', content });
  }

  async function append(): Promise<void> {
    const found = existing(isFile);
    if (found === null) return write();
    const [path, entry] = found;
    const more = text();
    await appendFile(at(path), more);
    book.set(path, { ...entry, content: entry.content + more });
  }

  async function remove(): Promise<void> {
    const found = existing();
    if (found === null) return write();
    await rm(at(found[0]));
    book.delete(found[0]);
  }

  async function removeFolder(): Promise<void> {
    const parent = dirname(existing()?.[0] ?? folder);
    if (parent === folder || parent === '.') return write();
    for (const gone of below(parent)) book.delete(gone);
    await rm(at(parent), { recursive: true });
  }

  /** A file, or the folder that it lies in, gets another name. */
  async function move(): Promise<void> {
    const path = existing()?.[0];
    if (path === undefined) return write();
    const parent = dirname(path);
    const from = parent !== folder && dice.below(3) === 0 ? parent : path;
    const to = newPath();
    if (to === from || to.startsWith(`${from}/`) || from.startsWith(`${to}/`)) return append();
    const moved = [from, ...below(from)].filter((each) => book.has(each));
    const entries = moved.map((each): [string, Entry] => [each, book.get(each) as Entry]);
    await makeRoom(to);
    await rename(at(from), at(to));
    for (const [each] of entries) book.delete(each);
    for (const [each, entry] of entries) book.set(to + each.slice(from.length), entry);
  }

  async function changeMode(): Promise<void> {
    const found = existing(isFile);
    if (found === null) return write();
    const [path, entry] = found;
    const mode = entry.mode === '100644' ? '100755' : '100644';
    await chmod(at(path), mode === '100755' ? 0o755 : 0o644);
    book.set(path, { ...entry, mode });
  }

  async function link(): Promise<void> {
    const path = newPath();
    await makeRoom(path);
    const content = `${dice.pick(NAMES)}/${dice.pick(NAMES)}`;
    await symlink(content, at(path));
    book.set(path, { mode: '120000', content });
  }

  const kinds = [write, write, write, append, append, remove, removeFolder, move, move, changeMode, link];

  return {
    /** One random edit, in the folder and in the book. */
    async edit(): Promise<void> {
      edits++;
      await dice.pick(kinds)();
    },
    book: () => book,
    /** Another program changed the files on purpose: the book follows. */
    async takeStock(): Promise<void> {
      book = await readTree(root);
    },
  };
}

/** Everything below the folder but `.git`; empty folders are nothing. */
export async function readTree(root: string, prefix = ''): Promise<Book> {
  const book: Book = new Map();
  for (const name of (await readdir(join(root, prefix))).sort()) {
    if (name === '.git') continue;
    const path = prefix === '' ? name : `${prefix}/${name}`;
    const file = join(root, path);
    const stat = await lstat(file);
    if (stat.isDirectory()) for (const [each, entry] of await readTree(root, path)) book.set(each, entry);
    else if (stat.isSymbolicLink()) book.set(path, { mode: '120000', content: await readlink(file) });
    else
      book.set(path, {
        mode: stat.mode & 0o100 ? '100755' : '100644',
        content: await readFile(file, 'utf8'),
      });
  }
  return book;
}

/** The object id that git gives this content. */
export function blobOf({ content }: Entry): string {
  const bytes = Buffer.from(content);
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
