// Reads .git/packed-refs. Knows nothing of loose refs, which win over these.

import { readFile } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { errorCode } from '../io-failure.ts';
import type { Repository } from '../types.ts';

const LINE = /^([0-9a-f]{40}) (\S.*)$/;

/**
 * Every packed ref below `prefix` (a plain text prefix, empty for all), by full name.
 * @throws Failure `broken-ref`
 */
export async function readPackedRefs(repo: Repository, prefix: string): Promise<Map<string, string>> {
  const refs = new Map<string, string>();
  for (const line of (await packedText(repo)).split('\n')) {
    // `#` opens the header, `^` names what the tag above points to.
    if (line === '' || line.startsWith('#') || line.startsWith('^')) continue;
    const match = LINE.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) {
      throw new Failure('broken-ref', `packed-refs holds a line that is no ref: ${line.slice(0, 80)}`);
    }
    if (match[2].startsWith(prefix)) refs.set(match[2], match[1]);
  }
  return refs;
}

/** One packed ref, without building a map of all: packed-refs may hold tens of thousands. */
export async function readPackedRef(repo: Repository, ref: string): Promise<string | null> {
  const text = `\n${await packedText(repo)}\n`;
  const at = text.indexOf(` ${ref}\n`);
  if (at < 0) return null;
  const oid = text.slice(text.lastIndexOf('\n', at) + 1, at);
  if (/^[0-9a-f]{40}$/.test(oid)) return oid;
  throw new Failure('broken-ref', `packed-refs holds no object id for ${ref}.`);
}

/** Where they lie, if there are any. */
export function packedRefsPath(repo: Repository): string {
  return `${repo.commonDir}/packed-refs`;
}

async function packedText(repo: Repository): Promise<string> {
  try {
    return await readFile(packedRefsPath(repo), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  }
}
