import { expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { createDirtyPaths } from '../../src/watch/dirty-paths.ts';
import { createManualClock } from '../support/manual-clock.ts';

const blog = 'blog' as ProjectId;
const notes = 'notes' as ProjectId;

test('take() hands over each path once and then knows nothing', () => {
  const dirty = createDirtyPaths();
  dirty.add(blog, ['a.md', 'b/c.md']);
  dirty.add(blog, ['a.md']);
  dirty.add(notes, ['n.md']);
  expect(dirty.take(blog)).toEqual(new Set(['a.md', 'b/c.md']));
  expect(dirty.take(blog)).toBeNull();
  expect(dirty.take(notes)).toEqual(new Set(['n.md']));
});

test('add() keeps exactly as many paths as the limit and turns one more into "all"', () => {
  const dirty = createDirtyPaths({ limit: 3 });
  dirty.add(blog, ['1', '2', '3', '3']);
  expect(dirty.take(blog)).toEqual(new Set(['1', '2', '3']));
  dirty.add(blog, ['1', '2', '3', '4']);
  dirty.add(blog, ['5']);
  expect(dirty.take(blog)).toBe('all');
});

test('add() of nothing leaves a project unknown', () => {
  const dirty = createDirtyPaths();
  dirty.add(blog, []);
  expect(dirty.take(blog)).toBeNull();
});

test('putBack() joins what was taken with what came in meanwhile', () => {
  const dirty = createDirtyPaths();
  dirty.add(blog, ['old']);
  const taken = dirty.take(blog);
  dirty.add(blog, ['new']);
  dirty.putBack(blog, taken);
  expect(dirty.take(blog)).toEqual(new Set(['new', 'old']));
});

test('takenSince() tells when the first change came in, also after it was put back, and forgets what was synced', async () => {
  const clock = createManualClock(1_000);
  const dirty = createDirtyPaths({ clock });
  dirty.add(blog, []);
  await clock.advance(500);
  dirty.add(blog, ['a']);
  await clock.advance(500);
  const taken = dirty.take(blog);
  expect(dirty.takenSince(blog)).toBe(1_500);
  dirty.add(blog, ['b']);
  dirty.putBack(blog, taken);
  expect(dirty.has(blog)).toBe(true);
  dirty.take(blog);
  expect(dirty.takenSince(blog)).toBe(1_500);
  expect(dirty.has(blog)).toBe(false);
  dirty.add(blog, ['c']);
  dirty.take(blog);
  expect(dirty.takenSince(blog)).toBe(2_000);
  dirty.take(blog);
  expect(dirty.takenSince(blog)).toBeNull();
});

test('putBack() of "all" wins over single paths, and of nothing changes nothing', () => {
  const dirty = createDirtyPaths();
  dirty.add(blog, ['new']);
  dirty.putBack(blog, null);
  dirty.putBack(blog, 'all');
  expect(dirty.take(blog)).toBe('all');
  expect(dirty.take(blog)).toBeNull();
});

test('forget() drops what a removed project left', () => {
  const dirty = createDirtyPaths();
  dirty.add(blog, 'all');
  dirty.forget(blog);
  expect(dirty.take(blog)).toBeNull();
});
