import { expect, test } from 'vitest';
import { createSecretCache } from '../../src/guard/secret-cache.ts';

test('createSecretCache() tells unknown from clean', () => {
  const cache = createSecretCache({ entries: 10 });
  expect(cache.get('a')).toBeUndefined();
  cache.set('a', null);
  cache.set('b', { rule: 'r', line: 2 });
  expect(cache.get('a')).toBeNull();
  expect(cache.get('b')).toEqual({ rule: 'r', line: 2 });
});

test('createSecretCache() drops the least recently used entry when it is full', () => {
  const cache = createSecretCache({ entries: 2 });
  cache.set('a', null);
  cache.set('b', null);
  cache.get('a');
  cache.set('c', null);
  expect(cache.get('b')).toBeUndefined();
  expect(cache.get('a')).toBeNull();
  expect(cache.get('c')).toBeNull();
});
