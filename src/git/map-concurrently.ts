// Runs an asynchronous function over many items, a few at a time.

/** Results in the order of the items. After a failure nothing more is begun, and what runs is waited for. */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  limit: number,
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(items.length);
  const entries = items.entries();
  let failed = false;
  const work = async () => {
    for (const [i, item] of entries) {
      if (failed) return;
      try {
        results[i] = await run(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, work));
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  return results;
}
