// What to do, as the page says it.

import { expect, test } from 'vitest';
import { adviceText } from '../../src/dashboard/format.ts';
import { FAILURES } from '../../src/model/failure-codes.ts';

test.each([
  ['content-conflict', 'Both sides are on the remote. Choose mine, theirs or both, or merge with git.'],
  ['file-held', 'Release the file once or for ever, or keep it out of git (.gitignore).'],
] as const)('adviceText() of %s leaves out what the page has buttons for', (code, text) => {
  expect(FAILURES[code].action).toContain('`gitferry ');
  expect(adviceText(FAILURES[code].action)).toBe(text);
});

test('adviceText() keeps the commands that the page has no button for', () => {
  const { action } = FAILURES['detached-head'];
  expect(adviceText(action)).toBe(action);
  expect(action).toContain('(`git switch main`)');
});
