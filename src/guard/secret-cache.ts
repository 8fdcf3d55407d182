// Remembers what was found in a content, so that each blob is scanned once. Bounded: the least recently used goes.
// Keeps rule names and lines only, never content.

/** A rule that matched and its 1-based line. */
export type SecretFinding = { readonly rule: string; readonly line: number };

export type SecretCache = {
  /** Undefined: not known. Null: scanned, nothing found. */
  get(key: string): SecretFinding | null | undefined;
  set(key: string, finding: SecretFinding | null): void;
};

/** `entries`: most contents remembered, at least 1; about 150 bytes each. */
export function createSecretCache(options: { entries: number }): SecretCache {
  const known = new Map<string, SecretFinding | null>();
  const limit = Math.max(1, options.entries);
  return {
    get(key) {
      const finding = known.get(key);
      if (finding === undefined) return undefined;
      // Map keeps insertion order: putting it back makes it the most recent.
      known.delete(key);
      known.set(key, finding);
      return finding;
    },
    set(key, finding) {
      known.delete(key);
      known.set(key, finding);
      if (known.size <= limit) return;
      const oldest = known.keys().next();
      if (!oldest.done) known.delete(oldest.value);
    },
  };
}
