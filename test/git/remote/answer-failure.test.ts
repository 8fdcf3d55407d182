import { expect, test } from 'vitest';
import { answerFailure } from '../../../src/git/remote/answer-failure.ts';
import { refusalFailure } from '../../../src/github/answer-failures.ts';

const PAGE = '<!DOCTYPE html><html><title>Not here</title></html>';

test.each([
  ['Repository not found.', 'h answered 404: Repository not found.'],
  ['remote: Repository not found.\n', 'h answered 404: Repository not found.'],
  ['', 'h answered 404 without a word of why.'],
  [PAGE, 'h answered 404 without a word of why.'],
])('a refusal of git in the words %j is told so', (body, text) => {
  const answer = { host: 'h', status: 404, headers: new Headers(), hasCredential: true, nowMs: 0 };
  expect(answerFailure({ ...answer, body }).message).toBe(text);
});

test.each([
  ['Not Found - https://docs.github.com/rest', 'h answered 500: Not Found - https://docs.github.com/rest'],
  ['', 'h answered 500 without a word of why.'],
  ['Unknown error', 'h answered 500 without a word of why.'],
  ['Unknown error: {}', 'h answered 500 without a word of why.'],
  [PAGE, 'h answered 500 without a word of why.'],
])('a refusal of the API in the words %j is told so', (message, text) => {
  const answer = { apiHost: 'h', status: 500, headers: new Headers(), hasToken: true, now: 0 };
  expect(refusalFailure({ ...answer, message }).message).toBe(text);
});
