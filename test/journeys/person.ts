// A person at the command line, with every habit at random: each command is the real git, and what it answers is
// judged. A lock that somebody else holds is met as a person meets it: counted, and tried again.

import { setTimeout as pause } from 'node:timers/promises';
import type { GitRepo } from '../support/git-repo.ts';
import type { Dice } from '../support/journey.ts';

/** What git says when another program holds a lock, or moved the branch in the same moment. */
const LOCKED =
  /index\.lock|Unable to create '[^']*\.lock'|cannot lock ref|could not lock|unable to update local ref/i;
/** What git says of a repository that somebody damaged. Any other refusal means: not now, and nothing has changed. */
const CORRUPT =
  /corrupt|bad (object|tree|index|signature|sha1|ref|config|blob)|BUG|broken|index file (open|smaller|unordered|size)|unable to read|missing (blob|tree|commit|object)|invalid (object|sha1|reflog)|not a valid|unordered stage|unable to resolve|unknown index|loose object|packfile|not a git repository|unmerged/i;
/**
 * What `git commit` says when a file that it just committed is deleted before it has counted its lines: it reads
 * them from the work tree. Without any other git program beside it, too; the commit is made.
 */
const DELETED_MEANWHILE = /unable to read files to diff/;
const TRIES = 40;

export type Person = ReturnType<typeof createPerson>;

export function createPerson(repo: GitRepo, dice: Dice) {
  /** Commits that git reported as made. */
  const commits: string[] = [];
  const corrupt: string[] = [];
  const counts = { commands: 0, locked: 0, refused: 0, stashes: 0, stashConflicts: 0, switches: 0 };
  const lockedBy: string[] = [];
  const refusals = new Set<string>();

  /** Answers null when git refused, with nothing changed. */
  async function git(args: readonly string[], input?: string): Promise<string | null> {
    for (let tries = 1; ; tries++) {
      counts.commands++;
      try {
        return (await repo.gitBytes(['-c', 'core.abbrev=40', ...args], input)).toString();
      } catch (error) {
        const { message } = error as Error;
        if (LOCKED.test(message)) {
          counts.locked++;
          lockedBy.push(message);
          if (tries === TRIES) throw error;
          // What a person does: press the arrow key and Enter.
          await pause(100);
          continue;
        }
        if (CORRUPT.test(message) && !DELETED_MEANWHILE.test(message)) corrupt.push(message);
        counts.refused++;
        refusals.add(message.replaceAll(/'[^']*'|\t.*|\bedits\S*|by hand \d+/g, '…').slice(0, 200));
        return null;
      }
    }
  }

  async function commit(...args: string[]): Promise<void> {
    const said = await git(['commit', '--message', `by hand ${counts.commands}`, ...args]);
    const oid = said === null ? null : /^\[.*?([0-9a-f]{40})\]/.exec(said)?.[1];
    if (oid) commits.push(oid);
  }

  async function changedFile(): Promise<string | null> {
    const names = ((await git(['diff', '--name-only', '-z'])) ?? '')
      .split('\0')
      .filter((name) => name !== '');
    return names.length === 0 ? null : dice.pick(names);
  }

  /** `git add -p`: one hunk of one file. */
  async function stageHunk(): Promise<void> {
    const name = await changedFile();
    if (name === null) return;
    const diff = (await git(['diff', '-U0', '--no-renames', '--', name])) ?? '';
    const hunks = diff.split(/^(?=@@ )/m);
    if (hunks.length < 2) return;
    await git(['apply', '--cached', '--unidiff-zero', '-'], `${hunks[0]}${dice.pick(hunks.slice(1))}`);
  }

  /** What was stashed is had back, whatever the service committed meanwhile. */
  async function stashAndPop(): Promise<void> {
    const stashes = async () => (await repo.git('stash', 'list')).split('\n').length;
    const before = await stashes();
    await git(['stash', 'push', '--quiet', '--include-untracked']);
    if ((await stashes()) === before) return;
    counts.stashes++;
    for (let tries = 0; tries < 3; tries++) {
      if ((await git(['stash', 'pop', '--quiet'])) !== null) return;
      if ((await repo.git('ls-files', '--unmerged')) !== '') break;
      await pause(100);
    }
    // The service committed part of it in the same moment. The person takes what they had stashed, and keeps the stash.
    counts.stashConflicts++;
    await git(['read-tree', '--reset', '-u', 'stash@{0}']);
    await git(['checkout', 'stash@{0}^3', '--', '.']);
  }

  return {
    commits,
    corrupt,
    counts,
    lockedBy,
    refusals,
    git,

    /** Something that leaves the files as they are. */
    async work(): Promise<void> {
      const acts = [
        () => git(['add', '--all']),
        async () => {
          const name = await changedFile();
          if (name !== null) await git(['add', '--', name]);
        },
        stageHunk,
        stageHunk,
        () => commit(),
        () => commit('--all'),
        () => commit('--allow-empty'),
        () => git(['status', '--short']),
        () => git(['reset', '--quiet']),
      ];
      await dice.pick(acts)();
    },

    /** Rare: the last commit of one's own is taken back, to be worded anew. */
    async takeBack(): Promise<void> {
      await commit('--allow-empty');
      await git(['reset', '--soft', 'HEAD~1']);
      await commit('--allow-empty');
    },

    collectGarbage: () => git(['gc', '--quiet']),

    /** Something that gives the files other content; answers its name. */
    async changeFiles(): Promise<string> {
      if (dice.below(2) === 0) {
        await stashAndPop();
        return 'stash';
      }
      const from = (await repo.git('symbolic-ref', '--short', 'HEAD')).trim();
      const switched = await git(['switch', '--quiet', from === 'main' ? 'side' : 'main']);
      if (switched !== null) counts.switches++;
      return `switch from ${from}`;
    },

    /** Both histories stay; the files of this side win. */
    async joinRemote(branch: string): Promise<void> {
      await git(['fetch', '--quiet', 'origin']);
      await commit('--all');
      const at = `refs/remotes/origin/${branch}`;
      await git(['merge', '--quiet', '--strategy', 'ours', '--message', 'both', at]);
    },
  };
}
