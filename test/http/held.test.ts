import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { type HeldFile, NO_FACTS } from '../../src/model/project.ts';
import { findProject, saveFacts } from '../../src/store/projects.ts';
import { useUpReleases } from '../../src/store/releases.ts';
import { createFixture, type Fixture } from './api-fixture.ts';

const OID = 'a'.repeat(40);
const BIG = 'b'.repeat(40);
const DIGEST = 'd'.repeat(64);
const ENV: HeldFile = {
  path: 'app/.env',
  reason: 'denied-name',
  rule: '.env',
  oid: OID,
  sizeBytes: 3,
  since: 1_000,
};
const VIDEO: HeldFile = {
  path: 'video.mp4',
  reason: 'too-large',
  rule: 'max-file-bytes 100000000',
  oid: BIG,
  sizeBytes: 100_000_001,
};
const OLD: HeldFile = { path: 'old.txt', reason: 'secret', rule: 'aws', line: 3 };
const COMMITTED: HeldFile = { ...ENV, oid: 'c'.repeat(40), commit: 'e'.repeat(40) };
const DELETIONS = { deleted: 12, tracked: 20, digest: DIGEST, root: '1:2', sample: ['a.md', 'b.md'] };

let fixture: Fixture;
beforeEach(async () => {
  fixture = await createFixture();
});
afterEach(() => fixture.close());

async function withHeld(heldFiles: HeldFile[] = [VIDEO, COMMITTED, ENV, OLD], refusedDeletions = DELETIONS) {
  const { projectId } = await fixture.addProject('blog');
  await saveFacts(fixture.db, projectId, { ...NO_FACTS, heldFiles, refusedDeletions });
  return projectId;
}
const release = (id: string, body: unknown) =>
  fixture.send('POST', `/api/sync/projects/${id}/held/release`, body);
const confirm = (id: string, body: unknown) =>
  fixture.send('POST', `/api/sync/projects/${id}/deletions/confirm`, body);
const releasesOf = async (id: ProjectId) => (await findProject(fixture.db, id))?.releases;

test('GET …/held names every held file with its content and what to do, page by page', async () => {
  const projectId = await withHeld();
  const { body } = await fixture.get(`/api/sync/projects/${projectId}/held`);
  expect(body.held).toMatchObject([
    { path: 'app/.env', fingerprint: `sha1:${OID}`, commit: null, releasable: true, sizeBytes: 3 },
    { path: 'app/.env', commit: 'e'.repeat(40), releasable: true, action: expect.stringContaining('rebase') },
    { path: 'old.txt', line: 3, fingerprint: null, releasable: false, since: null },
    { path: 'video.mp4', releasable: false, action: expect.stringContaining('100 MB') },
  ]);
  expect(body.held[0].since).toBe('1970-01-01T00:00:01.000Z');
  const { sample, deleted, tracked } = DELETIONS;
  expect(body.deletions).toMatchObject({ deleted, tracked, sample, token: DIGEST });

  const seen: string[] = [];
  for (let query = '?limit=1'; query !== ''; ) {
    const answer = await fixture.get(`/api/sync/projects/${projectId}/held${query}`);
    seen.push(...answer.body.held.map((file: { path: string }) => file.path));
    query = answer.body.nextCursor === null ? '' : `?limit=1&cursor=${answer.body.nextCursor}`;
  }
  expect(seen).toEqual(['app/.env', 'app/.env', 'old.txt', 'video.mp4']);
});

test('POST …/held/release keeps the exact contents, by path or fingerprint, and queues the sync', async () => {
  const projectId = await withHeld([ENV, { ...ENV, path: 'b/.env', oid: BIG }]);
  const answer = await release(projectId, { paths: ['app/.env'], scope: 'once' });
  expect(answer).toMatchObject({ status: 202, body: { success: true, job: { projectId, state: 'ready' } } });
  expect(await releasesOf(projectId)).toMatchObject({ files: [{ path: 'app/.env', oid: OID }] });

  const byContent = { fingerprints: [`sha1:${BIG.toUpperCase()}`], scope: 'once' };
  for (let times = 0; times < 2; times++) expect((await release(projectId, byContent)).status).toBe(202);
  const files = [
    { path: 'b/.env', oid: BIG },
    { path: 'app/.env', oid: OID },
  ];
  expect((await releasesOf(projectId))?.files).toEqual(files);
  await useUpReleases(fixture.db, projectId, { files: files.slice(0, 1), deletions: null });
  expect((await releasesOf(projectId))?.files).toEqual(files.slice(1));
});

test('POST …/held/release releases a path in the work tree and in its commits', async () => {
  const projectId = await withHeld([ENV, COMMITTED]);
  expect((await release(projectId, { paths: ['app/.env'], scope: 'once' })).status).toBe(202);
  expect((await releasesOf(projectId))?.files.map(({ oid }) => oid)).toEqual([OID, COMMITTED.oid]);
});

test.each([
  ['what is not held', { paths: ['app/.env', 'none.txt'], scope: 'once' }, 404, 'file-not-held'],
  ['an unknown content', { fingerprints: [`sha1:${'0'.repeat(40)}`], scope: 'always' }, 404, 'file-not-held'],
  ['what GitHub takes not', { paths: ['app/.env', 'video.mp4'], scope: 'once' }, 409, 'file-not-releasable'],
  ['a content that is not known yet', { paths: ['old.txt'], scope: 'once' }, 409, 'file-not-releasable'],
])('POST …/held/release refuses %s and releases nothing', async (_what, body, status, code) => {
  const projectId = await withHeld();
  const answer = await release(projectId, body);
  expect(answer).toMatchObject({ status, body: { code, action: expect.stringMatching(/./) } });
  expect((await releasesOf(projectId))?.files).toEqual([]);
});

test.each([
  [{ scope: 'once' }, 'paths'],
  [{ paths: [], fingerprints: [], scope: 'once' }, 'paths'],
  [{ paths: ['a'] }, 'scope'],
  [{ paths: ['a'], scope: 'forever' }, 'scope'],
  [{ paths: ['../a'], scope: 'once' }, 'paths.0'],
  [{ paths: ['/etc/passwd'], scope: 'once' }, 'paths.0'],
  [{ paths: ['a//b'], scope: 'once' }, 'paths.0'],
  [{ paths: ['a\0b'], scope: 'once' }, 'paths.0'],
  [{ fingerprints: ['abc'], scope: 'once' }, 'fingerprints.0'],
  [{ paths: ['a'], scope: 'once', force: true }, 'force'],
])('POST …/held/release answers 400 to %j and names the value', async (body, path) => {
  const projectId = await withHeld();
  const answer = await release(projectId, body);
  expect(answer.status).toBe(400);
  expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path);
});

test('POST …/deletions/confirm refuses another token, and deletions of a folder that is not there', async () => {
  const projectId = await withHeld();
  expect(await confirm(projectId, { token: 'e'.repeat(64) })).toMatchObject({
    status: 409,
    body: { code: 'deletions-changed' },
  });
  expect(await confirm(projectId, { token: DIGEST })).toMatchObject({
    status: 422,
    body: { code: 'folder-missing' },
  });
  expect((await confirm(projectId, { token: 'yes' })).status).toBe(400);
  expect((await confirm(projectId, {})).status).toBe(400);
  expect((await releasesOf(projectId))?.deletions).toBeNull();
});

test('POST …/deletions/confirm answers 409 when no deletions wait', async () => {
  const { projectId } = await fixture.addProject('blog');
  expect(await confirm(projectId, { token: DIGEST })).toMatchObject({
    status: 409,
    body: { code: 'no-deletions' },
  });
});

test('release and confirm tell an unknown, a disabled project and a stopped service apart', async () => {
  const projectId = await withHeld();
  const both = async (id: string) => [
    await release(id, { paths: ['app/.env'], scope: 'once' }),
    await confirm(id, { token: DIGEST }),
  ];
  for (const answer of await both('none'))
    expect(answer).toMatchObject({ status: 404, body: { code: 'project-not-found' } });
  expect((await fixture.get('/api/sync/projects/none/held')).status).toBe(404);
  await fixture.service.stop();
  for (const answer of await both(projectId))
    expect(answer).toMatchObject({ status: 409, body: { code: 'service-stopped' } });
  await fixture.service.start();
  await fixture.addProject('blog', { enabled: false });
  for (const answer of await both(projectId))
    expect(answer).toMatchObject({ status: 409, body: { code: 'project-disabled' } });
  expect((await releasesOf(projectId))?.files).toEqual([]);
});
