// Finds secrets by the name they are assigned to: `DB_PASSWORD=…`, `export API_KEY="…"`, `SECRET_KEY: …`.
// Upper-case names at the start of a line only: anything looser holds ordinary source code. Pure.

import { isPlaceholder } from './placeholder.ts';

const MENTIONS_SECRET = /PASSW|PASSPHRASE|SECRET|TOKEN|APIKEY|_KEY|_PWD/;
const ASSIGNMENT =
  /^[ \t]{0,40}(?:export |ENV |ARG |set |- )?["']?([A-Z][A-Z0-9_]{2,80})["']?[ \t]{0,20}[=:][ \t]{0,20}(?:"([^"\r\n]{1,400})"|'([^'\r\n]{1,400})'|([^\s"'`;,#]{1,400})(?=[\s;,#]|$))/gm;
const SECRET_NAME =
  /(?:PASSWORD|PASSWD|PASSPHRASE|_PWD|SECRET|TOKEN|APIKEY|(?:API|ACCESS|SECRET|PRIVATE|AUTH|ENCRYPTION|SIGNING|MASTER|ACCOUNT|CLIENT)_KEY)$/;
const SHARED_NAME = /(?:^|_)PUBLIC_|^(?:VITE|REACT_APP|GATSBY)_/;
// References, paths and URLs name a secret without holding it.
const REFERENCE = /:\/\/|^(?:\.{1,2}|~)\/|^\/[a-z0-9_.-]+\/|^(?:file|op|vault|sm|ssm|secret):/;
// Without quotes, calls and members of objects are code.
const CODE = /[()[\]\\]|^[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+$/;

export type Strictness = 'settings-file' | 'any-file';

/** The offset of the first assigned secret at or after `from`, or null. A settings file needs less to convince. */
export function findAssignedSecret(text: string, from: number, strictness: Strictness): number | null {
  if (!MENTIONS_SECRET.test(text)) return null;
  for (const match of text.matchAll(ASSIGNMENT)) {
    const name = match[1] ?? '';
    if (match.index < from || !SECRET_NAME.test(name) || SHARED_NAME.test(name)) continue;
    const bare = match[4] ?? '';
    const value = match[2] ?? match[3] ?? bare;
    if (isPlaceholder(value) || REFERENCE.test(value) || CODE.test(bare)) continue;
    if (strictness === 'settings-file' ? value.length >= 6 : looksRandom(value)) return match.index;
  }
  return null;
}

/** Outside settings files a value must look made by a machine: words and identifiers do not count. */
function looksRandom(value: string): boolean {
  if (value.length < 12 || !/\d/.test(value) || !/[A-Za-z]/.test(value) || /\s/.test(value)) return false;
  return bitsPerCharacter(value) >= 3;
}

function bitsPerCharacter(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}
