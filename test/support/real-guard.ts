// The guard as the service has it, for syncs without the service.

import type { ChangeGuard } from '../../src/git/sync/sync-ports.ts';
import { checkChanges } from '../../src/guard/check-changes.ts';
import { createSecretCache } from '../../src/guard/secret-cache.ts';
import { MAX_FILE_BYTES } from '../../src/model/held-file.ts';

export function createRealGuard(): ChangeGuard {
  const cache = createSecretCache({ entries: 1_000 });
  return ({ settings, released = [], committed = false, ...input }) =>
    checkChanges({
      ...input,
      cache,
      policy: {
        secrets: settings?.secrets ?? true,
        maxFileBytes: settings?.maxFileBytes ?? MAX_FILE_BYTES,
        allow: settings?.allow ?? [],
        released,
        committed,
      },
    });
}
