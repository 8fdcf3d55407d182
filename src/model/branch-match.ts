// Which branches are synced: a pure rule over the patterns of github.syncBranches.

/**
 * Whether a branch is named by one of the patterns. `*` stands for any characters, also none and also `/`;
 * everything else is taken literally, case included.
 */
export function matchesBranch(patterns: readonly string[], branch: string): boolean {
  return patterns.some((pattern) => matchesPattern(pattern, branch));
}

// Greedy from the left: each literal part at its earliest place. Linear, unlike a regular expression of `.*`.
function matchesPattern(pattern: string, branch: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return branch === head;
  if (!branch.startsWith(head) || !branch.endsWith(tail)) return false;
  const end = branch.length - tail.length;
  let at = head.length;
  for (const part of rest) {
    const found = branch.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= end;
}
