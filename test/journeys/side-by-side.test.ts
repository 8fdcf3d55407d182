// A person edits and uses git in the same repository at the same time as the service: neither harms the other.
// GITFERRY_TEST_SEED makes the same choices again; GITFERRY_TEST_LENGTH=10 makes the journey ten times as long.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { runGit } from '../support/git-repo.ts';
import {
  beginJourney,
  diceOf,
  type Journey,
  type JourneyProject,
  LENGTH,
  throwDice,
} from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';
import { createPerson, type Person } from './person.ts';
import { type Book, blobOf, createEditor, readTree } from './random-edits.ts';

const EDITS_AT_ONCE = 8;

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

/** A person who never pauses is met after the longest wait only; both are shorter than by default, so that it happens. */
const HABITS = [
  {
    name: 'all the time',
    schedule: { quietMs: 50, minIntervalMs: 0, maxWaitMs: 300 },
    ...{ edits: 1_000, mostLocked: 1 },
  },
  {
    name: 'as seldom as by default',
    schedule: { quietMs: 2_000, minIntervalMs: 10_000, maxWaitMs: 5_000 },
    ...{ edits: 400, mostLocked: 0.01 },
  },
];

test.each(HABITS)(
  'edits, a person’s git commands and a service that commits $name lose nothing and harm nothing',
  async ({ name, schedule, edits, mostLocked }) => {
    const dice = throwDice('side by side');
    // Enough that stays, so that no deletion looks like an emptied folder.
    const kept = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`kept/${n}.txt`, `${n}\n`]));
    const project = await journey.addProject('busy', kept, schedule);
    await project.repo.git('branch', 'side');
    const service = await journey.start({ folders: [project.path] });
    await service.untilState('busy', 'safe');

    const editor = createEditor(project.path, 'edits', diceOf(dice.seed + 1));
    const person = createPerson(project.repo, dice);
    await editor.takeStock();
    const left = new Map<string, string>();
    let isEditing = true;
    // One of the two at a time gives files their content; everything else runs at the same time.
    const turn = createTurn();
    const commandEnded = createSignal();

    async function edit(): Promise<void> {
      for (let done = 0; done < edits * LENGTH; done += EDITS_AT_ONCE) {
        await turn(async () => {
          for (let n = 0; n < EDITS_AT_ONCE; n++) await editor.edit();
        });
        await commandEnded.next();
      }
      isEditing = false;
    }

    async function command(): Promise<void> {
      for (let n = 1; isEditing; n++) {
        if (n % 60 === 0) await person.collectGarbage();
        else if (n % 45 === 0) await person.takeBack();
        else if (n % 8 === 0)
          await turn(async () => {
            const before = editor.book();
            const added = await stagedAsNew(project);
            const what = await person.changeFiles();
            await editor.takeStock();
            for (const [path, oid] of gone(before, editor.book())) {
              // Git itself drops what is only staged where the other branch has a file in the folder's place.
              if (!(what.startsWith('switch') && added.has(path))) left.set(oid, `${path} by ${what}`);
            }
          });
        else await person.work();
        if (n % 3 === 0) commandEnded.give();
      }
    }

    await Promise.all([edit(), command()]);
    // Who never pauses may have committed everything before the service could: the last save is left to it.
    await project.repo.write('kept/last.txt', 'left to the service\n');
    await editor.takeStock();
    console.log(
      `side by side, ${name}: ${JSON.stringify(person.counts)}, ${person.commits.length} commits by hand`,
    );
    // The branch that is worked on first: only there the files are those of the book.
    const branch = (await project.repo.git('symbolic-ref', '--short', 'HEAD')).trim();
    await untilCalm(service, project, person, branch);
    expect(await readTree(project.path)).toEqual(editor.book());
    const treeOid = (await project.repo.git('rev-parse', 'HEAD^{tree}')).trim();
    expect(await treeOf(project, editor.book())).toBe(treeOid);
    await untilCalm(service, project, person, branch === 'main' ? 'side' : 'main');

    if (LENGTH > 1) console.log([...person.refusals].join('\n'));
    expect(person.corrupt).toEqual([]);
    await project.repo.git('fsck', '--strict', '--no-dangling');
    await runGit(['fsck', '--strict', '--no-dangling'], { cwd: project.remotePath });
    for (const branch of ['main', 'side']) {
      expect(await journey.server.refOf(project.remotePath, `refs/heads/${branch}`)).toBe(
        (await project.repo.git('rev-parse', `refs/heads/${branch}`)).trim(),
      );
    }
    const reachable = new Set(lines(await project.repo.git('rev-list', '--objects', '--all', '--reflog')));
    expect(person.commits.filter((oid) => !reachable.has(oid))).toEqual([]);
    expect([...left].filter(([oid]) => !reachable.has(oid))).toEqual([]);
    const ours = await commitsOf(service);
    console.log(`side by side, ${name}: ${ours.length} commits by the service`);
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.filter((oid) => !reachable.has(oid))).toEqual([]);
    const where = person.lockedBy.map((text) => text.split('\n')[0]).join('\n');
    expect(person.counts.locked, where).toBeLessThan(person.counts.commands * mostLocked);
  },
  180_000 * Math.max(1, LENGTH),
);

async function stagedAsNew(project: JourneyProject): Promise<ReadonlySet<string>> {
  const listed = await project.repo.git('diff', '--cached', '--name-only', '--diff-filter=A', '-z');
  return new Set(listed.split('\0'));
}

/** Paths and object ids of files whose content a git command replaced: it must have been saved before. */
function gone(before: Book, after: Book): [path: string, oid: string][] {
  return [...before]
    .filter(([path, entry]) => {
      const now = after.get(path);
      return now === undefined || now.content !== entry.content;
    })
    .map(([path, entry]) => [path, blobOf(entry)]);
}

/** The branch is on both sides and nothing is left to do; a conflict is solved by the person, as they must. */
async function untilCalm(
  service: RunningService,
  project: JourneyProject,
  person: Person,
  branch: string,
): Promise<void> {
  const tips = async () => [
    (await project.repo.git('rev-parse', `refs/heads/${branch}`)).trim(),
    (await runGit(['rev-parse', `refs/heads/${branch}`], { cwd: project.remotePath })).toString().trim(),
  ];
  const statusNow = () => project.repo.git('status', '--porcelain', '-z');
  const isCalm = service.until(
    `${branch} on both sides`,
    async () => {
      const shown = await service.project(project.id);
      if (shown.state === 'conflict') await person.joinRemote(shown.branch);
      if (shown.state !== 'safe') return false;
      const head = (await project.repo.git('symbolic-ref', '--short', 'HEAD')).trim();
      if (head !== branch) {
        await person.git(['switch', '--quiet', branch]);
        return false;
      }
      const [local, remote] = await tips();
      // Staged as new and deleted since: neither in HEAD nor in the work tree, so only the person can take it back.
      const takenBack = (await statusNow()).split('\0').filter((line) => line.startsWith('AD '));
      if (takenBack.length > 0) await person.git(['add', '--', ...takenBack.map((line) => line.slice(3))]);
      return shown.branch === branch && local === remote && (await statusNow()) === '';
    },
    60_000,
  );
  await isCalm.catch(async (error: Error) => {
    const { state, stateReason, branch: shown } = await service.project(project.id);
    const seen = { state, stateReason, shown, tips: await tips(), status: await statusNow() };
    throw new Error(`${error.message}\nNow: ${JSON.stringify(seen)}`);
  });
}

/** The tree that git itself makes of these files, by an index of its own. */
async function treeOf(project: JourneyProject, book: Book): Promise<string> {
  const env = { GIT_INDEX_FILE: `${project.path}/.git/index-of-test` };
  const run = (args: string[], input?: string) =>
    runGit(args, { cwd: project.path, env, ...(input !== undefined && { input }) });
  const info = [...book].map(([path, entry]) => `${entry.mode} ${blobOf(entry)}\t${path}\0`).join('');
  await run(['update-index', '-z', '--add', '--index-info'], info);
  return (await run(['write-tree'])).toString().trim();
}

async function commitsOf(service: RunningService): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const page: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { body } = await service.api('GET', `/api/sync/history?limit=500${page}`);
    for (const run of body.history) if (run.commit !== null) found.push(run.commit);
    cursor = body.nextCursor;
  } while (cursor !== null);
  return found;
}

const lines = (text: string) => text.split('\n').map((line) => line.slice(0, 40));

/** Runs what is given to it one after the other. */
function createTurn() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** `next` resolves at the next `give`. */
function createSignal() {
  const waiting: (() => void)[] = [];
  return {
    give: () => {
      for (const go of waiting.splice(0)) go();
    },
    next: () => new Promise<void>((resolve) => waiting.push(resolve)),
  };
}
