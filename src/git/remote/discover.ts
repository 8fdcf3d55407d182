// Asks a remote which refs it has, before a push. isomorphic-git reads the advertisement; checked here first is what
// it lets pass: a truncated advertisement reads as an empty remote, and would then be pushed to as one.

import { type HttpClient, listServerRefs } from 'isomorphic-git';
import { Failure } from '../../model/failure.ts';
import { classifyRejection } from './classify.ts';
import { readPackets } from './pkt-line.ts';
import { displayUrl, parseRemoteUrl } from './remote-url.ts';
import type { GitResponse, GitTransport } from './transport.ts';

export type Discovery = {
  /** Where to push: the remote's own address after redirects. */
  url: string;
  /** Ref name to oid. */
  refs: Map<string, string>;
  capabilities: Set<string>;
  /** The new address when the remote has moved, else null. */
  redirectedTo: string | null;
  /** HTTP requests made. */
  requests: number;
};

const SERVICE = 'git-receive-pack';
const SUFFIX = `/info/refs?service=${SERVICE}`;
const LARGEST_ADVERTISEMENT_BYTES = 128 * 1024 * 1024;

/**
 * One request (more with redirects).
 * @throws Failure `remote-invalid-answer` for a truncated or foreign answer, `redirect-refused`, and what the
 * transport throws
 */
export async function discoverRefs(
  transport: GitTransport,
  url: string,
  signal: AbortSignal,
): Promise<Discovery> {
  const address = displayUrl(url).replace(/\/+$/, '');
  const seen: { answer: { response: GitResponse; capabilities: Set<string> } | null } = { answer: null };
  const http: HttpClient = {
    async request() {
      const response = await transport.request({ method: 'GET', url: address + SUFFIX, signal });
      const bytes = await collect(response.body, address);
      seen.answer = { response, capabilities: await checkAdvertisement(bytes, address) };
      return {
        url: response.url,
        statusCode: response.status,
        statusMessage: 'OK',
        headers: Object.fromEntries(response.headers),
        body: once(bytes),
      };
    },
  };
  const refs = await listServerRefs({ http, url: address, protocolVersion: 1, forPush: true }).catch(
    (error: unknown) => {
      if (error instanceof Failure) throw error;
      throw new Failure('remote-invalid-answer', `${address} does not answer as a git repository.`, {
        cause: error,
      });
    },
  );
  if (seen.answer === null) throw new Error('isomorphic-git listed refs without asking for them');
  const { response, capabilities } = seen.answer;
  const finalUrl = response.redirectedTo === null ? address : repositoryOf(response.url, address);
  return {
    url: finalUrl,
    refs: new Map(refs.map(({ ref, oid }) => [ref, oid])),
    capabilities,
    redirectedTo: response.redirectedTo === null ? null : finalUrl,
    requests: response.requests,
  };
}

/** A redirect must lead to the same question at another address, not to a login or landing page. */
function repositoryOf(finalUrl: string, address: string): string {
  if (finalUrl.endsWith(SUFFIX)) return finalUrl.slice(0, -SUFFIX.length);
  throw new Failure('redirect-refused', `${address} redirects to ${finalUrl}, which is no repository.`, {
    data: { host: parseRemoteUrl(address).host },
  });
}

/** `# service` line, flush, refs with the capabilities behind the first, flush. */
async function checkAdvertisement(bytes: Buffer, address: string): Promise<Set<string>> {
  const packets: (Buffer | null)[] = [];
  for await (const packet of readPackets([bytes])) packets.push(packet);
  const first = packets[0]?.toString('utf8') ?? '';
  const host = parseRemoteUrl(address).host;
  const refusal = packets.find((packet) => packet?.subarray(0, 4).toString('latin1') === 'ERR ');
  if (refusal) {
    const { code, detail } = classifyRejection({ body: refusal.subarray(4).toString('utf8') });
    throw new Failure(code, `${host} refused: ${detail}`, { data: { host } });
  }
  if (first.trimEnd() !== `# service=${SERVICE}`) {
    throw new Failure('remote-invalid-answer', `${address} does not answer as a git repository.`, {
      data: { host },
    });
  }
  const flushes = packets.filter((packet) => packet === null).length;
  if (flushes < 2 || packets.at(-1) !== null) {
    throw new Failure('remote-invalid-answer', `The list of refs from ${address} ends too early.`, {
      data: { host },
    });
  }
  const line = packets.find((packet, at) => at > 0 && packet !== null)?.toString('utf8') ?? '';
  const words = line.slice(line.indexOf('\0') + 1);
  return new Set(words.trim().split(' '));
}

async function collect(body: AsyncIterable<Uint8Array>, address: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > LARGEST_ADVERTISEMENT_BYTES) {
      throw new Failure('remote-invalid-answer', `The list of refs from ${address} is over 128 MiB.`);
    }
  }
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
