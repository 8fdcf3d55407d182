// A repository of thousands of files: a save costs what the save is, and looking costs no run.

import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginJourney, expectTwins, type Journey } from '../support/journey.ts';

const FILES = 5_000;
const QUIET_MS = 100;
const SAVES = 5;

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

test('in a project of 5,000 files a save arrives by one request, and a scan of it makes no run', async () => {
  const files = Object.fromEntries(
    Array.from({ length: FILES }, (_, n) => [`src/${n % 50}/part-${n}.txt`, `part ${n}\n`.repeat(40)]),
  );
  const project = await journey.addProject('large', files, { quietMs: QUIET_MS });
  await project.repo.git('gc', '--quiet');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('large', 'safe');

  const took: number[] = [];
  for (let save = 0; save < SAVES; save++) {
    const before = await tip();
    const sent = journey.server.requests.length;
    const savedAt = performance.now();
    await project.repo.write('src/7/part-7.txt', `save ${save}\n`);
    await journey.server.waitForRef(project.remotePath, 'refs/heads/main', (oid) => oid !== before);
    took.push(performance.now() - savedAt - QUIET_MS);
    await service.until('the run in the history', async () => {
      const { body } = await service.api('GET', '/api/sync/history/large');
      return body.history.length >= save + 2 && body.history[0].commit === (await tip());
    });
    await service.untilState('large', 'safe');
    const requests = journey.server.requests.slice(sent).map(({ method, path }) => `${method} ${path}`);
    expect(requests).toEqual([expect.stringMatching(/^POST .*git-receive-pack$/)]);
  }
  const sorted = took.toSorted((a, b) => a - b).map(Math.round);
  console.log(`save to remote in ${FILES} files, quiet period taken off: ${sorted.join(', ')} ms`);

  const runs = async () => (await service.api('GET', '/api/sync/history/large')).body.history.length;
  const runsBefore = await runs();
  const sent = journey.server.requests.length;
  const { body } = await service.api('POST', '/api/sync/trigger', {});
  expect(body).toMatchObject({ scanned: 1, queued: [], skipped: [{ projectId: 'large' }] });
  expect(await runs()).toBe(runsBefore);
  expect(journey.server.requests).toHaveLength(sent);
  await expectTwins(project);

  async function tip(): Promise<string> {
    return (await project.repo.git('rev-parse', 'refs/heads/main')).trim();
  }
}, 120_000);
