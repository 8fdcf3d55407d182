// Picks the runtime's own half of the host, without loading the other's.

import type { Host } from './types.ts';

export async function loadHost(): Promise<Host> {
  const { host } = 'Deno' in globalThis ? await import('./deno.ts') : await import('./node.ts');
  return host;
}
