// A person saves and stashes in a loop, faster than anybody does, while the real service syncs the same repository:
// whatever was saved can be had again, and the project is safe when the person pauses.
// GITFERRY_LONG=1: 300 rounds; GITFERRY_ROUNDS and GITFERRY_SEED as everywhere.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { objectId } from '../../src/git/objects/object-format.ts';
import { runGit } from '../support/git-repo.ts';
import { beginJourney, type Journey, type JourneyProject } from '../support/journey.ts';
import { diceFor, roundsOf } from './settings.ts';

const ROUNDS = roundsOf({ short: 40, long: 300 });
const LONGEST_PAUSE_MS = 160;
const POPS = 20;

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

test('whatever was saved before a stash can be had again, and the project becomes safe', {
  timeout: ROUNDS * 3_000 + 300_000,
}, async () => {
  const dice = diceFor('stash');
  const files = Object.fromEntries(Array.from({ length: ROUNDS }, (_, n) => [`kept/${n}.txt`, `${n}\n`]));
  const project = await journey.addProject('stashed', files, { quietMs: 50 });
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('stashed', 'safe');
  const counts = { commands: 0, refused: 0, popsRefused: 0, left: 0, reverted: 0 };
  const said: string[] = [];

  async function git(...args: string[]): Promise<boolean> {
    counts.commands++;
    const result = await tried(project, args);
    if (result !== null) said.push(`${args.join(' ')}: ${result}`);
    return result === null;
  }

  const saved = new Map<string, string>();
  for (let n = 0; n < ROUNDS; n++) {
    const names = dice.below(2) === 0 ? [`new/${n}.txt`, `kept/${n}.txt`] : [`new/${n}.txt`];
    for (const name of names) {
      const text = `round ${n} of ${name}\n`;
      await project.repo.write(name, text);
      saved.set(objectId('blob', Buffer.from(text)), name);
    }
    await pause(dice.below(LONGEST_PAUSE_MS));
    const before = await stashes(project);
    const contents = new Map(
      await Promise.all(names.map(async (name) => [name, await read(project, name)] as const)),
    );
    if (!(await git('stash', 'push', '--quiet', '--include-untracked'))) counts.refused++;
    if ((await stashes(project)) > before && !(await git('stash', 'pop', '--quiet'))) {
      counts.popsRefused++;
      for (let tries = 1; tries < POPS && !(await git('stash', 'pop', '--quiet')); tries++) await pause(50);
    }
    // Whoever has all stashes back has the files back, too.
    if ((await stashes(project)) === before)
      for (const [name, text] of contents) if ((await read(project, name)) !== text) counts.reverted++;
    expect(await project.repo.git('ls-files', '--unmerged'), said.slice(-3).join('\n')).toBe('');
  }
  counts.left = await stashes(project);
  console.log(`stash: ${ROUNDS} rounds, ${JSON.stringify(counts)}\n${[...new Set(said)].join('\n')}`);
  console.log(service.output.err.split('\n').slice(-20).join('\n'));
  await service.untilState('stashed', 'safe');
  await expectReachable(project, saved);
});

/** Null when git did it, else what it said. */
async function tried(project: JourneyProject, args: string[]): Promise<string | null> {
  try {
    await project.repo.git(...args);
    return null;
  } catch (error) {
    return (error as Error).message.replaceAll(/\d+/g, 'N').split(': ').slice(1).join(': ');
  }
}

const stashes = async (project: JourneyProject) =>
  (await project.repo.git('stash', 'list')).split('\n').length - 1;

const read = (project: JourneyProject, name: string) =>
  readFile(join(project.path, name), 'utf8').catch(() => null);

async function expectReachable(project: JourneyProject, saved: Map<string, string>): Promise<void> {
  const listed = await runGit(['rev-list', '--objects', '--all', '--reflog'], { cwd: project.path });
  const reachable = new Set(
    listed
      .toString()
      .split('\n')
      .map((line) => line.slice(0, 40)),
  );
  expect([...saved].filter(([oid]) => !reachable.has(oid))).toEqual([]);
}
