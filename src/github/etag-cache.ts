// Answers that were seen with their ETag: asked again, the host says "not modified", which costs nothing of the quota.

type CachedAnswer = { etag: string; status: number; data: unknown };

export type EtagCache = {
  get(key: string): CachedAnswer | undefined;
  set(key: string, answer: CachedAnswer): void;
};

export function createEtagCache(entries: number): EtagCache {
  const kept = new Map<string, CachedAnswer>();
  return {
    get: (key) => kept.get(key),
    set(key, answer) {
      kept.delete(key);
      kept.set(key, answer);
      const [oldest] = kept.keys();
      if (kept.size > entries && oldest !== undefined) kept.delete(oldest);
    },
  };
}
