import { expect, test } from 'vitest';
import { findMassDeletion } from '../../src/guard/mass-deletion.ts';

type Kind = 'added' | 'modified' | 'deleted';
const files = (kind: Kind, count: number, folder = 'src') =>
  Array.from({ length: count }, (_none, at) => ({ path: `${folder}/file-${at}.txt`, kind }));

test('findMassDeletion() is silent when nothing is deleted', () => {
  expect(findMassDeletion([...files('added', 20), ...files('modified', 20, 'b')], 20)).toBeNull();
});

test.each([
  [11, 20, true],
  [10, 20, false],
  [10, 19, true],
  [9, 10, false],
  [9, 17, false],
  [500, 999, true],
  [500, 1000, false],
])('findMassDeletion() of %d deleted among %d tracked files answers %s', (deleted, tracked, expected) => {
  expect(findMassDeletion(files('deleted', deleted), tracked)).toEqual(
    expected ? { deleted, tracked } : null,
  );
});

test('findMassDeletion() notices an emptied project however small', () => {
  expect(findMassDeletion(files('deleted', 1), 1)).toEqual({ deleted: 1, tracked: 1 });
  expect(findMassDeletion(files('deleted', 3), 3)).toEqual({ deleted: 3, tracked: 3 });
});

test('findMassDeletion() takes a replaced file in a small project for everyday work', () => {
  expect(findMassDeletion([...files('deleted', 1), { path: 'new.txt', kind: 'added' }], 1)).toBeNull();
});

test('findMassDeletion() takes a renamed folder for a move', () => {
  expect(findMassDeletion([...files('deleted', 60), ...files('added', 60, 'lib')], 80)).toBeNull();
});

test('findMassDeletion() still counts deletions beside unrelated new files', () => {
  const other = [{ path: 'ransom.txt', kind: 'added' as const }];
  expect(findMassDeletion([...files('deleted', 60), ...other], 80)).toEqual({ deleted: 60, tracked: 80 });
});
