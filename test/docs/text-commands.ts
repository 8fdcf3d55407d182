// The commands that documents name within their sentences and tables, and what each needs to be run: a repository as its
// reader has it, a project, a file. Those that are not run are in shown-commands.ts, with the reason.

import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runGit } from '../support/git-repo.ts';

const PROGRAMS =
  'gitferry|npm|npx|node|deno|git|curl|docker|fly|pm2|systemctl|sudo|lsof|ps|ls|echo|ssh|turso|kill';
const IN_BACKTICKS = new RegExp(`\`((?:[A-Z_]+=\\S+ )*(?:${PROGRAMS}) [^\`\\n]+)\``, 'g');

/** What stands in backticks and begins with the name of a program; a name alone is no command. */
export function textCommands(text: string): string[] {
  const outside = text.replace(/^```[\s\S]*?^```/gm, '');
  return [...outside.matchAll(IN_BACKTICKS)].map(([, command = '']) => command);
}

/** Where the reader stands, and the words that stand for something of theirs. */
export type Place = {
  cwd: string;
  words: Readonly<Record<string, string>>;
  env: Readonly<Record<string, string>>;
};

/**
 * A repository for one command of git's: a young clone with a branch that follows its remote, an ignored file, and no
 * editor that waits for a person.
 */
export async function placeForGit(command: string, folder: string): Promise<Place> {
  const home = await mkdtemp(join(folder, 'git-'));
  const remote = join(home, 'remote.git');
  const clone = join(home, 'clone');
  const git = (args: string[], cwd = home) => runGit(args, { cwd });
  await git(['init', '--quiet', '--bare', '--initial-branch', 'main', remote]);
  await git(['init', '--quiet', '--initial-branch', 'main', 'origin']);
  const first = join(home, 'origin');
  for (const text of ['one\n', 'two\n']) {
    await writeFile(join(first, 'a.txt'), text);
    await writeFile(join(first, '.gitignore'), 'ignored.log\n');
    await git(['add', '--all'], first);
    await git(['commit', '--quiet', '--message', text], first);
  }
  await git(['push', '--quiet', remote, 'main'], first);
  await git(['clone', '--quiet', '--depth', '1', `file://${remote}`, clone]);
  await git(['branch', 'side'], clone);
  if (command.startsWith('git remote add')) await git(['remote', 'remove', 'origin'], clone);
  return {
    cwd: clone,
    words: {
      '<folder>': clone,
      '<file>': 'ignored.log',
      '<url>': remote,
      '<branch> <new name>': 'side aside',
      '"..."': '"Ada"',
    },
    env: { HOME: home, GIT_SEQUENCE_EDITOR: 'true', GIT_EDITOR: 'true' },
  };
}

/** An empty folder that is no repository yet. */
export async function plainFolder(folder: string): Promise<string> {
  const path = join(folder, 'plain');
  await mkdir(path, { recursive: true });
  return path;
}
