// Path patterns of the guard: `*` and `?` stay inside one folder, `**` crosses folders, everything else is literal.
// A pattern names the whole path from the project's root. No regular expressions: patterns come from files that
// anyone may have written, so matching must not be able to run away.

/** Whether `path` (`/` between parts) is meant by `pattern`. A literal path always means itself. */
export function matchesPathPattern(pattern: string, path: string): boolean {
  if (pattern === path) return true;
  if (!/[*?]/.test(pattern)) return false;
  return matchesParts(pattern.replace(/^\.?\//, '').split('/'), path.split('/'));
}

/** Two rows of "the first p parts of the pattern match the first n parts of the path". */
function matchesParts(pattern: readonly string[], parts: readonly string[]): boolean {
  let reached: boolean[] = [true, ...parts.map(() => false)];
  for (const wanted of pattern) {
    const next: boolean[] = [wanted === '**' && reached[0] === true];
    for (const [at, part] of parts.entries()) {
      const hit =
        wanted === '**'
          ? reached[at + 1] === true || next[at] === true
          : reached[at] === true && matchesName(wanted, part);
      next.push(hit);
    }
    reached = next;
  }
  return reached[parts.length] === true;
}

/** Whether one name is meant by a pattern with `*` and `?`. Case matters. */
export function matchesName(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      // Only the latest star can help: give it one character more.
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
