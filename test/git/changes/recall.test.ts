import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type ChangeScanner,
  createChangeScanner,
  type ScanAim,
} from '../../../src/git/changes/change-scanner.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import { throwDice } from '../../support/journey.ts';
import { createManualClock } from '../../support/manual-clock.ts';

// One repository for all cases: each begins with two scans that find the same, and takes back what it did.

const STEPS = 120;
const AIM: ScanAim = { syncBranches: ['main'], alsoRead: ['project.json'] };
const clock = createManualClock();
const calm = new AbortController().signal;
let home: string;
let repo: GitRepo;
let scanner: ChangeScanner;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gitferry-home-'));
  await mkdir(join(home, '.config/git'), { recursive: true });
  await writeFile(join(home, '.gitconfig'), '[include]\n\tpath = more.gitconfig\n');
  await writeFile(join(home, 'more.gitconfig'), '[core]\n\texcludesFile = ~/ignored\n');
  await writeFile(join(home, 'ignored'), '*.tmp\n');
  repo = await createGitRepo();
  await repo.write('.gitignore', '/build/\n*.log\n');
  await repo.write('project.json', '{}\n');
  for (const name of ['a', 'b', 'lib/one', 'lib/two', 'lib/deep/three']) await repo.write(name, `${name}\n`);
  await repo.git('add', '-A');
  await repo.git('commit', '-q', '-m', 'first');
  await repo.git('branch', 'topic/x');
  await repo.write('build/out', 'made');
  await repo.write('own/.gitignore', '*\n');
  await repo.write('own/secret', 'x');
  scanner = newScanner();
});

afterAll(async () => {
  await scanner.close();
  await repo.remove();
  await rm(home, { recursive: true, force: true });
});

function newScanner(): ChangeScanner {
  const env = { GIT_CONFIG_NOSYSTEM: '1', PATH: process.env.PATH };
  return createChangeScanner({ env, homeDir: home, clock, size: 1, idleMs: 3_600_000 });
}

const at = (path: string) => join(repo.path, path);
const inGit = (path: string) => at(`.git/${path}`);
const scan = (aim = AIM) => scanner.scan(repo.path, calm, aim);
const recall = async (aim = AIM) => (await scanner.recall([{ worktree: repo.path, ...aim }], calm))[0];

/** Two scans apart that find the same. */
async function becomeKnown(): Promise<void> {
  await scan();
  await clock.advance(10_000);
  const found = await scan();
  expect(await recall()).toEqual(found);
}

/** As an editor that keeps times would: other content of the same length, and the time it had. */
async function editUnseen(path: string): Promise<void> {
  const { atime, mtime } = await stat(path);
  const before = await readFile(path, 'latin1');
  const other = before.startsWith('#') ? '%' : '#';
  await writeFile(path, other + before.slice(1), 'latin1');
  await utimes(path, atime, mtime);
}

/** Writes over the file in place; answers how to put back what was there. */
async function overwrite(path: string, content: string): Promise<() => Promise<void>> {
  const before = await readFile(path);
  await writeFile(path, content);
  return () => writeFile(path, before);
}

type Undo = () => Promise<unknown>;
const EDITS: Record<string, () => Promise<Undo>> = {
  'an edit that keeps length and time': async () => {
    await editUnseen(at('lib/one'));
    return () => repo.git('checkout', '-q', 'lib/one');
  },
  'a new file': async () => {
    await repo.write('lib/deep/new', 'x');
    return () => rm(at('lib/deep/new'));
  },
  'a deleted file': async () => {
    await rm(at('lib/two'));
    return () => repo.git('checkout', '-q', 'lib/two');
  },
  'an execute bit': async () => {
    await chmod(at('a'), 0o755);
    return () => chmod(at('a'), 0o644);
  },
  'a link in place of a file': async () => {
    await rm(at('a'));
    await symlink('b', at('a'));
    return () => repo.git('checkout', '-q', 'a');
  },
  'a folder that was renamed': async () => {
    await rename(at('lib'), at('lab'));
    return () => rename(at('lab'), at('lib'));
  },
  'a folder that a link to it replaces': async () => {
    const elsewhere = join(home, 'moved');
    await rename(at('lib/deep'), elsewhere);
    await symlink(elsewhere, at('lib/deep'));
    return async () => {
      await rm(at('lib/deep'));
      await rename(elsewhere, at('lib/deep'));
    };
  },
  'a folder that became a repository': async () => {
    await mkdir(at('lib/.git'));
    return () => rm(at('lib/.git'), { recursive: true });
  },
  'a tracked file of ignore rules': () => overwrite(at('.gitignore'), '*.log\n'),
  'an ignored file of ignore rules': () => overwrite(at('own/.gitignore'), '!*\n'),
  'the exclude file': () => overwrite(inGit('info/exclude'), '/own/\n'),
  "the person's own ignore rules": () => overwrite(join(home, 'ignored'), '*.bak\n'),
  "the person's configuration": () => overwrite(join(home, '.gitconfig'), '[core]\n\tautocrlf = input\n'),
  'a file that the configuration includes': () => overwrite(join(home, 'more.gitconfig'), ''),
  'personal attributes': async () => {
    await writeFile(join(home, '.config/git/attributes'), '* text=auto\n');
    return () => rm(join(home, '.config/git/attributes'));
  },
  "the repository's configuration": async () => {
    await repo.git('config', 'core.fileMode', 'false');
    return () => repo.git('config', 'core.fileMode', 'true');
  },
  'attributes of the repository': async () => {
    await writeFile(inGit('info/attributes'), '*.txt text\n');
    return () => rm(inGit('info/attributes'));
  },
  'a hook': async () => {
    await mkdir(inGit('hooks'), { recursive: true });
    await writeFile(inGit('hooks/pre-commit'), '#!/bin/sh\n', { mode: 0o644 });
    return () => rm(inGit('hooks/pre-commit'));
  },
  'HEAD, written by hand': async () => overwrite(inGit('HEAD'), 'ref: refs/heads/topic/x\n'),
  'a branch, written by hand': () => overwrite(inGit('refs/heads/topic/x'), `${'1'.repeat(40)}\n`),
  'a new branch': async () => {
    await repo.git('branch', 'other');
    return () => repo.git('branch', '-D', 'other');
  },
  'branches that were packed': async () => {
    const tip = await repo.git('rev-parse', 'main');
    await repo.git('pack-refs', '--all');
    return async () => {
      await mkdir(inGit('refs/heads/topic'), { recursive: true });
      await writeFile(inGit('refs/heads/topic/x'), tip);
    };
  },
  'a merge that began': async () => {
    await writeFile(inGit('MERGE_HEAD'), `${'1'.repeat(40)}\n`);
    return () => rm(inGit('MERGE_HEAD'));
  },
  'a lock on the index': async () => {
    await writeFile(inGit('index.lock'), '');
    return () => rm(inGit('index.lock'));
  },
  'a file taken out of git and kept': async () => {
    await repo.git('rm', '-q', '--cached', 'b');
    return () => repo.git('add', 'b');
  },
  'project.json, which the caller reads': () => overwrite(at('project.json'), '{"a":1}\n'),
  'the whole folder, exchanged': async () => {
    await rename(repo.path, `${repo.path}-aside`);
    await mkdir(repo.path);
    return async () => {
      await rm(repo.path, { recursive: true });
      await rename(`${repo.path}-aside`, repo.path);
    };
  },
};

test.each(Object.entries(EDITS))('recall() answers nothing after %s', async (_what, edit) => {
  await becomeKnown();
  const undo = await edit();
  try {
    expect(await recall()).toBe(null);
  } finally {
    await undo();
  }
});

test('recall() answers what two scans found, also after `git status` and changes that do not matter', async () => {
  // The first one writes down what it saw; of files as young as the index that would go on.
  const tracked = (await repo.git('ls-files', '-z')).split('\0').filter((path) => path !== '');
  for (const path of tracked) await utimes(at(path), 1_600_000_000, 1_600_000_000);
  await repo.git('status');
  await becomeKnown();
  await repo.git('status');
  await appendFile(at('build/out'), 'more');
  await appendFile(at('own/secret'), 'more');
  expect(await recall()).toEqual(await newScannerScan());
});

test('recall() answers nothing after a single scan, nor after two within the steps of a clock', async () => {
  const fresh = newScanner();
  const ask = async () => (await fresh.recall([{ worktree: repo.path, ...AIM }], calm))[0];
  try {
    await fresh.scan(repo.path, calm, AIM);
    await clock.advance(10_000);
    expect(await ask()).toBe(null);
    await repo.write('a', 'edited');
    await fresh.scan(repo.path, calm, AIM);
    await clock.advance(2_000);
    await fresh.scan(repo.path, calm, AIM);
    expect(await ask()).toBe(null);
    await clock.advance(1_000);
    await fresh.scan(repo.path, calm, AIM);
    expect(await ask()).toMatchObject({ changes: 1 });
    fresh.forget(repo.path);
    expect(await ask()).toBe(null);
  } finally {
    await repo.git('checkout', '-q', 'a');
    await fresh.close();
  }
});

test('recall() knows changed files by their own stat, and sees them change again', async () => {
  await repo.write('a', 'edited\n');
  await repo.write('new', '1');
  await rm(at('b'));
  await becomeKnown();
  expect(await recall()).toMatchObject({ changes: 3 });
  await repo.write('new', '2');
  expect(await recall()).toBe(null);
  await becomeKnown();
  await editUnseen(at('a'));
  expect(await recall()).toBe(null);
  await becomeKnown();
  await repo.write('b', 'b\n');
  expect(await recall()).toBe(null);
  await repo.git('checkout', '-q', '.');
  await rm(at('new'));
});

test('recall() knows the branches of remotes only where a push of a person is news', async () => {
  await becomeKnown();
  const aside: ScanAim = { ...AIM, syncBranches: ['topic/*'] };
  expect(await recall(aside)).toBe(null);
  await repo.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
  expect(await recall()).toMatchObject({ changes: 0 });
  await scan(aside);
  await clock.advance(10_000);
  await scan(aside);
  expect(await recall(aside)).toMatchObject({ changes: 0 });
  await repo.git('update-ref', '-d', 'refs/remotes/origin/main');
  expect(await recall(aside)).toBe(null);
});

test('recall() answers nothing of what is blocked, nor where submodules or the system git have a say', async () => {
  await repo.git('switch', '-q', '--detach');
  await scan();
  await clock.advance(10_000);
  expect(await scan()).toMatchObject({ kind: 'blocked' });
  expect(await recall()).toBe(null);
  await repo.git('switch', '-q', 'main');
  await writeFile(inGit('info/attributes'), '*.txt text\n');
  await scan();
  await clock.advance(10_000);
  expect(await scan()).toMatchObject({ kind: 'changes' });
  expect(await recall()).toBe(null);
  await rm(inGit('info/attributes'));
});

test('recall() never answers what a new scan would not, whatever is done and undone in between', async () => {
  const { below, pick } = throwDice('recall');
  const forgetful = newScanner();
  const edits = Object.values(EDITS).slice(0, -1);
  let undo: Undo | null = null;
  let recalled = 0;
  try {
    for (let step = 0; step < STEPS; step++) {
      if (undo !== null && below(2) === 0) {
        await undo();
        undo = null;
      } else undo ??= below(3) === 0 ? await pick(edits)() : null;
      if (below(4) > 0) await scan();
      await clock.advance(below(4_000));
      const found = await recall();
      if (found === null) continue;
      recalled += 1;
      expect(found).toEqual(await forgetful.scan(repo.path, calm, AIM));
    }
  } finally {
    await undo?.();
    await forgetful.close();
  }
  expect(recalled).toBeGreaterThan(0);
});

/** By a scanner that remembers nothing. */
async function newScannerScan() {
  const fresh = newScanner();
  try {
    return await fresh.scan(repo.path, calm, AIM);
  } finally {
    await fresh.close();
  }
}
