// The attribute files that hold for every commit: the repository's own and the person's.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expandHome } from '../config/config-include.ts';
import type { GitConfig } from '../config/config-values.ts';
import { type Environment, personalGitFile } from '../config/user-config.ts';
import { errorCode, isAbsent, readFailure } from '../io-failure.ts';
import type { Repository } from '../types.ts';

type AttributesInput = { repo: Repository; config: GitConfig; env: Environment; homeDir: string };

/** Their texts; files that are not there are left out. @throws Failure `file-unreadable` */
export async function readGeneralAttributes(input: AttributesInput): Promise<string[]> {
  const { repo, config, env, homeDir } = input;
  const chosen = config.get('core.attributesFile');
  const personal =
    chosen === undefined ? personalGitFile('attributes', env, homeDir) : expandHome(chosen, homeDir);
  const files = [`${repo.commonDir}/info/attributes`];
  if (personal !== null && personal !== '') files.push(resolve(repo.worktree, personal));
  const texts: string[] = [];
  for (const file of files) {
    try {
      texts.push(await readFile(file, 'latin1'));
    } catch (error) {
      if (!isAbsent(error) && errorCode(error) !== 'EISDIR') throw readFailure(error, file);
    }
  }
  return texts;
}
