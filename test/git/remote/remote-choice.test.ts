import { afterEach, expect, test } from 'vitest';
import { readGitConfig } from '../../../src/git/config/user-config.ts';
import { chooseRemote } from '../../../src/git/remote/remote-choice.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { createGitRepo, type GitRepo, gitEnv } from '../../support/git-repo.ts';

let made: GitRepo | null = null;
afterEach(async () => {
  await made?.remove();
  made = null;
});

const UPSTREAM = 'https://github.com/upstream/book.git';
const FORK = 'https://github.com/fork/book.git';

async function chosenWith(pushUrl: string | null, remoteUrl?: string) {
  made = await createGitRepo();
  await made.git('remote', 'add', 'origin', UPSTREAM);
  if (pushUrl !== null) await made.git('remote', 'set-url', '--push', 'origin', pushUrl);
  const repo = await openRepository(made.path);
  const config = await readGitConfig({ repo, env: gitEnv(), homeDir: made.path });
  return chooseRemote(remoteUrl === undefined ? {} : { remoteUrl }, config);
}

test('chooseRemote() does not take the tracking refs for those of a fork that pushes go to', async () => {
  const expected = { name: 'origin', tracked: false, url: FORK };
  expect(await chosenWith(FORK)).toMatchObject({ kind: 'chosen', remote: expected });
});

test('chooseRemote() does not take them for those of a fork that the settings name', async () => {
  const expected = { name: 'origin', tracked: false, url: FORK };
  expect(await chosenWith(FORK, FORK)).toMatchObject({ kind: 'chosen', remote: expected });
});

test('chooseRemote() believes the tracking refs when the push address is the same repository', async () => {
  const expected = { name: 'origin', tracked: true };
  expect(await chosenWith(null)).toMatchObject({ kind: 'chosen', remote: expected });
  await made?.remove();
  expect(await chosenWith('git@github.com:upstream/book.git')).toMatchObject({ remote: expected });
});
