// The cheap question: where are a remote's branches now? One request, no pack, no repository.

import type { GitTransport } from '../remote/transport.ts';
import { listRemoteRefs } from './upload-pack.ts';

/**
 * Tips by full ref name, of the refs that begin with one of `prefixes` (`refs/heads/main` also finds
 * `refs/heads/main-2`). One request where the server speaks protocol version 2, as hosts do; up to three else.
 * @throws Failure `remote-invalid-answer`, `repository-not-found`, and what the transport throws
 */
export async function remoteTips(input: {
  transport: GitTransport;
  url: string;
  prefixes: readonly string[];
  signal: AbortSignal;
}): Promise<Map<string, string>> {
  return listRemoteRefs({ ...input, count: { requests: 0 } }, input.prefixes);
}
