// The service is killed at random moments, again and again: what was saved arrives, and nothing of ours is in the way.
// GITFERRY_TEST_SEED makes the same choices again; GITFERRY_TEST_LENGTH=10 makes ten times as many rounds.

import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  beginJourney,
  type Dice,
  expectTwins,
  type Journey,
  type JourneyProject,
  LENGTH,
  remoteFile,
  throwDice,
} from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';

const ROUNDS = Math.ceil(15 * LENGTH);

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

test(
  'fifteen times kill -9 at a random event lose nothing that was saved and leave nothing in the way',
  async () => {
    const dice = throwDice('kill');
    const project = await journey.addProject('notes');
    let service = await journey.start({ folders: [project.path] });
    await service.untilState('notes', 'safe');
    const saved = new Map<string, string>();
    const moments: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const moment = await randomMoment(dice, service, project);
      const names = Array.from({ length: 1 + dice.below(4) }, () => `file-${dice.below(12)}.md`);
      for (const name of names) {
        saved.set(name, `round ${round}\n`);
        await project.repo.write(name, `round ${round}\n`);
      }
      const come = moment.come.catch(async (error: Error) => {
        const { state, stateReason, job } = await service.project('notes');
        const left = await leftovers(join(project.path, '.git'));
        throw new Error(
          `round ${round}, after ${moments}: ${error.message}\n${JSON.stringify({ state, stateReason, job, left })}`,
        );
      });
      moments.push(await come);
      await service.kill();
      await project.repo.git('fsck', '--strict', '--no-dangling');
      service = await journey.start();
    }
    console.log(`killed at: ${moments.join(' | ')}`);
    await service.untilState('notes', 'safe');
    for (const [name, content] of saved) expect(await remoteFile(project, name), name).toBe(content);
    await expectTwins(project);
    expect(await leftovers(join(project.path, '.git'))).toEqual([]);
  },
  215_000 * Math.max(1, LENGTH),
);

/** An event of the feed, a request to the remote, or a file of git's that appears: whichever the dice say. */
async function randomMoment(
  dice: Dice,
  service: RunningService,
  project: JourneyProject,
): Promise<{ come: Promise<string> }> {
  const kind = dice.below(3);
  if (kind === 0) {
    const name = dice.pick(['gitferry.lock', 'index.lock', 'HEAD.lock', 'logs/HEAD']);
    return { come: untilTouched(join(project.path, '.git'), name) };
  }
  if (kind === 1) {
    const sent = journey.server.requests.length;
    const come = journey.server.waitFor(() => journey.server.requests.length > sent, 15_000);
    return { come: come.then(() => 'a request') };
  }
  const feed = await service.feed();
  await feed.until((message) => message.type === 'hello', 'a greeting');
  const skip = feed.messages.length + dice.below(10);
  const come = feed
    .until((message) => feed.messages.length > skip || isDone(message), `event ${skip}`)
    .then((): string => {
      feed.close();
      return feed.messages.at(-1).type;
    });
  return { come };
}

/** Fewer events may come than the dice asked for: then the end is the moment. */
function isDone(message: { type: string; data: { state?: string } }): boolean {
  return message.type === 'project.state' && message.data.state === 'safe';
}

function untilTouched(folder: string, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const watchers: FSWatcher[] = [];
    const end = () => {
      for (const each of watchers) each.close();
      clearTimeout(limit);
    };
    const limit = setTimeout(() => {
      end();
      reject(new Error(`${name} was not touched`));
    }, 15_000);
    const file = name.split('/').at(-1);
    const watcher = watch(join(folder, name, '..'), (_kind, touched) => {
      if (touched !== file) return;
      end();
      resolve(name);
    });
    watchers.push(watcher);
  });
}

/** Locks anywhere in `.git`, and the twins of ours. */
async function leftovers(gitDir: string): Promise<string[]> {
  const names = await readdir(gitDir, { recursive: true });
  return names.filter((name) => /\.lock$|gitferry-locks./.test(name));
}
