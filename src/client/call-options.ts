// What every method of the client takes last.

/** `timeoutMs`: how long an answer may take; 120 s when left out. */
export type CallOptions = { signal?: AbortSignal; timeoutMs?: number };
