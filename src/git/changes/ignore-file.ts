// One file of ignore rules, matched against paths relative to its folder. The npm package does the matching.
// Must not know of other files, of precedence, or that a parent excludes its children: ignore.ts does.

import ignore, { type Ignore } from 'ignore';

/** What a file says of exactly this path; `silent` when none of its rules names it. */
export type Verdict = 'ignored' | 'kept' | 'silent';

export type IgnoreFile = {
  /** `path` is a byte string relative to the file's folder, without a slash at its end. */
  judge(path: string, isFolder: boolean): Verdict;
};

type Group = { readonly verdict: Verdict; readonly patterns: string[]; matcher: Ignore | null };

const BOM = '\xEF\xBB\xBF';
// The package keeps every answer for ever; its matchers are thrown away after this many to bound memory.
const MOST_ANSWERS_KEPT = 20_000;

/**
 * Reads the rules in `content`. They are handled as bytes, as git does: `?` is one byte of a name.
 *
 * The package lets a parent that a file excludes decide for everything below it. Across several files that
 * would be wrong: a nearer file may have kept the parent. So each run of rules of one polarity becomes a matcher
 * of its own in which every rule is written as a negation: nothing is excluded there, and `unignored` then means
 * "a rule of this run names exactly this path". The last run that names it decides.
 */
export function parseIgnoreFile(content: Buffer, ignoreCase: boolean): IgnoreFile {
  const groups = groupsOf(content.toString('latin1'));
  let answers = 0;
  return {
    judge(path, isFolder) {
      answers += 1;
      if (answers % MOST_ANSWERS_KEPT === 0) for (const group of groups) group.matcher = null;
      const asked = isFolder ? `${path}/` : path;
      for (let at = groups.length - 1; at >= 0; at -= 1) {
        const group = groups[at];
        if (!group) continue;
        group.matcher ??= ignore({ ignoreCase, allowRelativePaths: true }).add(group.patterns);
        if (group.matcher.test(asked).unignored) return group.verdict;
      }
      return 'silent';
    },
  };
}

/** Last group last. Comments and empty lines are left out. */
function groupsOf(text: string): Group[] {
  const groups: Group[] = [];
  const lines = (text.startsWith(BOM) ? text.slice(BOM.length) : text).split('\n');
  for (const raw of lines) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '' || line.startsWith('#')) continue;
    const verdict = line.startsWith('!') ? 'kept' : 'ignored';
    const pattern = verdict === 'kept' ? line : `!${line}`;
    const last = groups.at(-1);
    if (last?.verdict === verdict) last.patterns.push(pattern);
    else groups.push({ verdict, patterns: [pattern], matcher: null });
  }
  return groups;
}
