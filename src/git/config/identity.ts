// Who commits, as git's configuration and environment say. Never invents a name or an address.

import type { Identity } from '../types.ts';
import type { GitConfig } from './config-values.ts';
import type { Environment } from './user-config.ts';

// Git takes these from both ends of names and addresses, and the three that delimit them from everywhere.
const CRUD = /^[\p{Cc} .,:;<>"\\']+|[\p{Cc} .,:;<>"\\']+$/gu;
const DELIMITERS = /[\n<>]/g;

/** Null when a name or an address is missing, or nothing but punctuation. */
export function readIdentity(config: GitConfig, env: Environment): Identity | null {
  const name = clean(env.GIT_AUTHOR_NAME || config.get('author.name') || config.get('user.name'));
  const email = clean(env.GIT_AUTHOR_EMAIL || config.get('author.email') || config.get('user.email'));
  return name === '' || email === '' ? null : { name, email };
}

function clean(text: string | undefined): string {
  return (text ?? '').replace(CRUD, '').replace(DELIMITERS, '');
}
