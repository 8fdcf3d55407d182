// Git's glob patterns over whole paths, as conditions of `includeIf` use them. Pure.
// Ignore rules have more meanings than these and live in ignore.ts.

/** Whether `path` matches: `*` and `?` stop at `/`, `**` between slashes spans folders, `[...]` is a set. */
export function matchesPathPattern(pattern: string, path: string, ignoreCase = false): boolean {
  const source = sourceOf(pattern);
  return source !== null && new RegExp(`^${source}$`, ignoreCase ? 'isu' : 'su').test(path);
}

/** Null when a set is never closed: such a pattern matches nothing. */
function sourceOf(pattern: string): string | null {
  let source = '';
  let at = 0;
  while (at < pattern.length) {
    const rest = pattern.slice(at);
    const starts = at === 0 || pattern[at - 1] === '/';
    if (starts && rest.startsWith('**/')) {
      source += '(?:.*/)?';
      at += 3;
    } else if (starts && rest === '**') {
      source += '.*';
      at += 2;
    } else if (rest.startsWith('*')) {
      source += '[^/]*';
      at += /^\*+/.exec(rest)?.[0].length ?? 1;
    } else if (rest.startsWith('[')) {
      const set = /^\[([!^]?)(\]?(?:\\.|[^\]\\])*)\]/su.exec(rest);
      if (!set) return null;
      source += `(?!/)[${set[1] === '' ? '' : '^'}${membersOf(set[2] ?? '')}]`;
      at += set[0].length;
    } else {
      const escaped = rest.startsWith('\\') && rest.length > 1;
      const character = String.fromCodePoint(rest.codePointAt(escaped ? 1 : 0) ?? 0);
      source += !escaped && character === '?' ? '[^/]' : literal(character);
      at += character.length + (escaped ? 1 : 0);
    }
  }
  return source;
}

function membersOf(set: string): string {
  return set.replace(/\\(.)|([\]\\[^])/gsu, (_all, escaped?: string, special?: string) =>
    literal(escaped ?? special ?? ''),
  );
}

function literal(character: string): string {
  return /[\^$\\.*+?()[\]{}|/-]/.test(character)
    ? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
    : character;
}
