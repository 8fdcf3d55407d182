// Keeps the most recently used values up to a total weight. Knows nothing of what it keeps.

export class LruCache<Key, Value> {
  readonly #limit: number;
  readonly #weigh: (value: Value) => number;
  readonly #values = new Map<Key, Value>();
  #weight = 0;

  /** `limit` is in the unit of `weigh`; a value heavier than a quarter of it is not kept. */
  constructor(limit: number, weigh: (value: Value) => number) {
    this.#limit = limit;
    this.#weigh = weigh;
  }

  get(key: Key): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    // A Map keeps insertion order: the first key is the one unused for longest.
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    const weight = this.#weigh(value);
    if (weight > this.#limit / 4 || this.#values.has(key)) return;
    this.#values.set(key, value);
    this.#weight += weight;
    for (const [oldest, old] of this.#values) {
      if (this.#weight <= this.#limit) return;
      this.#values.delete(oldest);
      this.#weight -= this.#weigh(old);
    }
  }

  clear(): void {
    this.#values.clear();
    this.#weight = 0;
  }
}
