// Random work done twice, in two repositories at once: edits of files, names and ignore files that are hard to get
// right, and a person's git commands between two syncs. Both sides get exactly the same. Judges nothing.

import { chmod, lstat, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diskPath, type RepoPath, repoPathOf, toRepoPath } from '../../src/git/paths.ts';
import { HOLDS_RAW_NAMES } from '../../src/host/file-names.ts';
import { createEditor } from '../journeys/random-edits.ts';
import { runGit } from '../support/git-repo.ts';
import { type Dice, diceOf } from '../support/journey.ts';

/** A folder that the editor has for itself, so that its book need not know the names below. */
const EDITED = 'tree';
const ODD = 'odd';

const RAW_NAMES = HOLDS_RAW_NAMES
  ? [
      [0xff, 0xfe],
      [0x66, 0xc3, 0x28],
      [0x80, 0x2e, 0x74, 0x78, 0x74],
    ]
  : [];
const ODD_NAMES: RepoPath[] = [
  ...['ünï', 'caf\u00e9', 'cafe\u0301', '日本 – ß.md', ' lead', 'trail ', 'a\nb', 'a\tb', '"quoted"'],
  ...['back\\slash', '-dash', '.hidden', 'a', 'a-b', 'a.b', 'a0', 'A', '*', '[x]', '😀', 'n'.repeat(200)],
].map(toRepoPath);
const ALL_NAMES = [...ODD_NAMES, ...RAW_NAMES.map((bytes) => repoPathOf(Uint8Array.from(bytes)))];

const IGNORED_IN = [
  '',
  `${EDITED}/`,
  `${EDITED}/edits/`,
  `${EDITED}/edits/ant/`,
  `${EDITED}/edits/bee/cow/`,
  `${ODD}/`,
];
const PATTERNS = [
  ...[
    'ant',
    '/bee',
    'cow/',
    '!cow',
    '**/dog',
    'elk/**',
    'fo?',
    '[gh]*',
    '!gnu',
    '# text',
    '\\#',
    'hen ',
    'hen\\ ',
  ],
  ...[
    'edits/*/ant',
    '!edits/bee/ant',
    '*.md',
    '!*.md',
    'ü*',
    '.*',
    '!.gitignore',
    'a\\*',
    '\\[x\\]',
    'a[-.]b',
    '/*/elk',
  ],
];

type Side = { path: string; git(...args: string[]): Promise<string> };
export type Twins = ReturnType<typeof createTwins>;

/** `now` is epoch seconds: what git writes into commits and stashes, the same on both sides. */
export function createTwins(paths: readonly [string, string], dice: Dice) {
  const seed = dice.below(2 ** 31);
  const editors = paths.map((path) => createEditor(join(path, EDITED), 'edits', diceOf(seed)));
  const counts: Record<string, number> = {};
  let now = 1_767_225_600;

  const env = () => ({ GIT_AUTHOR_DATE: `${now} +0000`, GIT_COMMITTER_DATE: `${now} +0000` });
  const sides = paths.map(
    (path): Side => ({
      path,
      git: async (...args) => (await runGit(args, { cwd: path, env: env() })).toString('latin1'),
    }),
  ) as [Side, Side];
  const both = async <T>(work: (side: Side) => Promise<T>) =>
    [await work(sides[0]), await work(sides[1])] as const;

  /** The same command on both sides; true when it did its work. They have to agree on that. */
  async function run(...args: string[]): Promise<boolean> {
    const [a, b] = await both((side) =>
      side.git(...args).then(
        () => true,
        () => false,
      ),
    );
    if (a !== b)
      throw new Error(`git ${args.join(' ')} ${a ? 'works' : 'fails'} beside ours, not beside git's`);
    return a;
  }

  async function odd(): Promise<void> {
    const depth = 1 + dice.below(2);
    const parts = Array.from({ length: depth }, () => dice.pick(ALL_NAMES));
    const path = [ODD, ...parts].join('/');
    const kind = dice.below(10);
    const content = `${dice.below(1_000)}\n`;
    await both(async (side) => {
      if (kind < 3) return rm(diskPath(side.path, path), { recursive: true, force: true }).catch(notThere);
      if (kind === 3) return flip(diskPath(side.path, path));
      await makeRoom(side.path, path);
      const file = diskPath(side.path, path);
      await (kind === 4 ? symlink(content.trim(), file) : writeFile(file, content));
    });
  }

  async function ignore(): Promise<void> {
    const folder = dice.pick(IGNORED_IN);
    const lines = Array.from({ length: dice.below(4) }, () => dice.pick(PATTERNS));
    const file = folder === '' && dice.below(3) === 0 ? '.git/info/exclude' : `${folder}.gitignore`;
    // The editor may have taken an ignore file into its book.
    const inBook = folder !== '' && folder.startsWith(`${EDITED}/`);
    await both(async (side) => {
      const place = join(side.path, file);
      const parent = await lstat(join(place, '..')).catch(notThere);
      if (!parent?.isDirectory()) return;
      if (lines.length === 0) await rm(place, { force: true, recursive: true });
      else if (!(await lstat(place).catch(notThere))?.isDirectory())
        await writeFile(place, `${lines.join('\n')}\n`);
    });
    if (inBook) await takeStock();
  }

  /** A path that git knows or sees, as a pathspec without magic. */
  async function somePath(...args: string[]): Promise<string | null> {
    const listed = await runGit(['ls-files', '-z', '--exclude-standard', ...args], { cwd: sides[0].path });
    const names = listed
      .toString('utf8')
      .split('\0')
      .filter((name) => name !== '' && !name.includes('\ufffd'));
    return names.length === 0 ? null : `:(literal)${dice.pick(names)}`;
  }

  async function withPath(listed: string[], ...args: string[]): Promise<void> {
    const path = await somePath(...listed);
    if (path !== null) await run(...args, '--', path);
  }

  async function stash(): Promise<void> {
    await run('stash', 'push', '--quiet', ...(dice.below(2) === 0 ? ['--include-untracked'] : []));
    await takeStock();
    if (dice.below(2) === 0) for (let n = dice.below(3); n > 0; n--) await edit();
    if (dice.below(4) > 0 && !(await run('stash', 'pop', '--quiet'))) {
      // Part of it met other work: a person decides; here the work of the branch wins.
      if ((await sides[0].git('ls-files', '--unmerged')) !== '') await run('reset', '--quiet', '--hard');
    }
    await takeStock();
  }

  async function switchBranch(): Promise<void> {
    const to = dice.pick(['main', 'side', 'topic/one']);
    if (!(await run('switch', '--quiet', to))) await run('switch', '--quiet', '--create', to);
    await takeStock();
  }

  async function takeStock(): Promise<void> {
    for (const editor of editors) await editor.takeStock();
  }

  const commands: Record<string, () => Promise<unknown>> = {
    'add all': () => run('add', '--all'),
    'add one': () => withPath(['--modified', '--others'], 'add'),
    'add ignored': () => withPath(['--others', '--ignored'], 'add', '--force'),
    'intent to add': () => withPath(['--others'], 'add', '--intent-to-add'),
    'take out of git': () => withPath([], 'rm', '--quiet', '--cached', '--force'),
    remove: async () => {
      await withPath([], 'rm', '--quiet', '--force');
      await takeStock();
    },
    rename: async () => {
      const path = await somePath();
      if (path !== null) await run('mv', '--', path.replace(':(literal)', ''), `moved-${dice.below(50)}`);
      await takeStock();
    },
    'mode in index': () => withPath([], 'update-index', '--chmod=+x'),
    unstage: () => run('reset', '--quiet'),
    'restore one': async () => {
      await withPath(['--modified'], 'checkout', '--quiet');
      await takeStock();
    },
    commit: () => run('commit', '--quiet', '--message', 'by hand'),
    amend: () => run('commit', '--quiet', '--amend', '--message', 'by hand again'),
    stash,
    stash2: stash,
    switch: switchBranch,
    switch2: switchBranch,
    gc: () => run('gc', '--quiet', '--prune=now'),
    'pack refs': () => run('pack-refs', '--all'),
  };

  async function edit(): Promise<void> {
    const kind = dice.below(20);
    if (kind < 3) return count('ignore file', ignore());
    if (kind < 7) return count('odd name', odd());
    await count(
      'edit',
      Promise.all(editors.map((editor) => editor.edit())).then(() => undefined),
    );
  }

  async function count(name: string, work: Promise<unknown>): Promise<void> {
    counts[name.replace(/\d/, '')] = (counts[name.replace(/\d/, '')] ?? 0) + 1;
    await work;
  }

  return {
    ours: sides[0],
    gits: sides[1],
    counts,
    env,
    now: () => now,
    edit,
    takeStock,
    /** A random git command of a person. */
    async command(): Promise<void> {
      const [name, work] = dice.pick(Object.entries(commands));
      await count(name, work());
    },
    /** Another second for both. */
    tick: () => ++now,
  };
}

/** Nothing lies at the path, and everything on the way to it is a folder. */
async function makeRoom(root: string, path: string): Promise<void> {
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const folder = diskPath(root, path.slice(0, slash));
    const stats = await lstat(folder).catch(notThere);
    if (stats && !stats.isDirectory()) await rm(folder);
    if (!stats?.isDirectory()) await mkdir(folder);
  }
  await rm(diskPath(root, path), { recursive: true, force: true });
}

async function flip(file: string | Buffer): Promise<void> {
  const stats = await lstat(file).catch(notThere);
  if (stats?.isFile()) await chmod(file, stats.mode & 0o100 ? 0o644 : 0o755);
}

function notThere(error: NodeJS.ErrnoException): null {
  // Also behind a link that leads to itself.
  if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code ?? '')) return null;
  throw error;
}
