// Which event types a listener asked for: exact names, or prefixes that end in `*`. Pure.

/** Left out means every type; so does `*`. */
export function matchType(types: readonly string[] | undefined): (type: string) => boolean {
  if (types === undefined) return () => true;
  const exact = new Set(types);
  const prefixes = types.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1));
  return (type) => exact.has(type) || prefixes.some((prefix) => type.startsWith(prefix));
}
