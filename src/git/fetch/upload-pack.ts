// Asks git-upload-pack which refs a remote has: one request in protocol version 2, two requests or the whole
// advertisement where the server is older. Knows no local repository.

import { Failure } from '../../model/failure.ts';
import { classifyRejection } from '../remote/classify.ts';
import { encodePacket, FLUSH_PACKET, readPackets } from '../remote/pkt-line.ts';
import { displayUrl, parseRemoteUrl } from '../remote/remote-url.ts';
import type { GitResponse, GitTransport } from '../remote/transport.ts';

const SERVICE = 'git-upload-pack';
const SUFFIX = `/info/refs?service=${SERVICE}`;
const LARGEST_ANSWER_BYTES = 128 * 1024 * 1024;
const VERSION_2 = { 'git-protocol': 'version=2' };
export const DELIMITER_PACKET = Buffer.from('0001', 'latin1');

/** What a server said of itself. `refs` is null in version 2: there they are asked for. */
export type UploadPack = {
  /** The remote's own address after redirects. */
  url: string;
  version: 0 | 2;
  /** Version 2: `fetch=shallow filter` is the key `fetch`; older ones: names, some with a value. */
  capabilities: ReadonlyMap<string, string>;
  refs: Map<string, string> | null;
};

export type Asking = {
  transport: GitTransport;
  url: string;
  signal: AbortSignal;
  /** Grows by the requests made. */
  count: { requests: number };
};

/** Failures that say: this server does not take a version 2 command out of the blue; ask properly. */
const ASK_PROPERLY: ReadonlySet<string> = new Set([
  'remote-invalid-answer',
  'redirect-refused',
  'remote-error',
  'push-rejected',
]);

/**
 * The refs that begin with one of `prefixes` (full names, for example `refs/heads/main`): a single POST where the
 * server speaks version 2. @throws Failure `remote-invalid-answer`, `repository-not-found` and what the transport throws
 */
export async function listRemoteRefs(
  asking: Asking,
  prefixes: readonly string[],
): Promise<Map<string, string>> {
  try {
    return await lsRefs(asking, displayUrl(asking.url).replace(/\/+$/, ''), prefixes);
  } catch (error) {
    if (!(error instanceof Failure) || !ASK_PROPERLY.has(error.code)) throw error;
  }
  return refsOf(asking, await discoverUploadPack(asking), prefixes);
}

/** The refs under the prefixes, asked for where the advertisement did not hold them. */
export async function refsOf(
  asking: Asking,
  server: UploadPack,
  prefixes: readonly string[],
): Promise<Map<string, string>> {
  if (server.refs === null) return lsRefs(asking, server.url, prefixes);
  return new Map([...server.refs].filter(([ref]) => prefixes.some((prefix) => ref.startsWith(prefix))));
}

/** One GET (more with redirects), in the newest version up to `most`. @throws Failure as `listRemoteRefs` */
export async function discoverUploadPack(asking: Asking, most: 0 | 2 = 2): Promise<UploadPack> {
  const { transport, signal } = asking;
  const address = displayUrl(asking.url).replace(/\/+$/, '');
  const response = await transport.request({
    method: 'GET',
    url: address + SUFFIX,
    headers: most === 2 ? VERSION_2 : {},
    signal,
  });
  asking.count.requests += response.requests;
  const packets = await collectPackets(response, address);
  // The first line names the service; servers leave it out in version 2.
  const isAnnounced = lineOf(packets[0]) === `# service=${SERVICE}` && packets[1] === null;
  if (isAnnounced) packets.splice(0, 2);
  const url = response.redirectedTo === null ? address : repositoryOf(response.url, address);
  if (lineOf(packets[0]) === 'version 2') {
    const words = packets.slice(1).flatMap((packet) => (packet === null ? [] : [lineOf(packet)]));
    return { url, version: 2, capabilities: capabilityMap(words), refs: null };
  }
  if (!isAnnounced) throw invalid(address, 'does not answer as a git repository');
  if (packets.length === 0) throw invalid(address, 'ends its list of refs too early');
  return { url, version: 0, ...readAdvertisement(packets, address) };
}

async function lsRefs(
  asking: Asking,
  url: string,
  prefixes: readonly string[],
): Promise<Map<string, string>> {
  const { transport, signal } = asking;
  const body = Buffer.concat([
    encodePacket('command=ls-refs\n'),
    encodePacket(`agent=${transport.userAgent}\n`),
    DELIMITER_PACKET,
    ...prefixes.map((prefix) => encodePacket(`ref-prefix ${prefix}\n`)),
    FLUSH_PACKET,
  ]);
  const response = await postUploadPack(asking, url, body, VERSION_2, signal);
  const refs = new Map<string, string>();
  const packets = await collectPackets(response, url);
  for (const packet of packets) {
    if (packet === null) continue;
    const match = /^([0-9a-f]{40}) (\S+)/.exec(lineOf(packet));
    if (!match) throw invalid(url, 'lists refs in a form that is unknown');
    const [, oid = '', ref = ''] = match;
    // Prefixes are a wish only: a server may answer more.
    if (prefixes.some((prefix) => ref.startsWith(prefix))) refs.set(ref, oid);
  }
  return refs;
}

/** Sends one command; `headers` say which version it is in. */
export async function postUploadPack(
  asking: Asking,
  url: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<GitResponse> {
  const response = await asking.transport.request({
    method: 'POST',
    url: `${url}/${SERVICE}`,
    headers: {
      'content-type': `application/x-${SERVICE}-request`,
      accept: `application/x-${SERVICE}-result`,
      ...headers,
    },
    body,
    signal,
  });
  asking.count.requests += response.requests;
  return response;
}

export function versionHeaders({ version }: UploadPack): Readonly<Record<string, string>> {
  return version === 2 ? VERSION_2 : {};
}

/** @throws Failure what the server refuses with, when the packet is an `ERR` */
export function refuseError(packet: Buffer, url: string): void {
  if (packet.toString('latin1', 0, 4) !== 'ERR ') return;
  const { code, detail } = classifyRejection({ body: packet.toString('utf8', 4) });
  const { host } = parseRemoteUrl(url);
  throw new Failure(code === 'push-rejected' ? 'remote-error' : code, `${host} refused: ${detail}`, {
    data: { host },
  });
}

export function invalid(url: string, what: string): Failure {
  const { host } = parseRemoteUrl(url);
  return new Failure('remote-invalid-answer', `${displayUrl(url)} ${what}.`, { data: { host } });
}

/** A packet as text without its line end. */
export function lineOf(packet: Buffer | null | undefined): string {
  return packet ? packet.toString('utf8').replace(/\n$/, '') : '';
}

/** All packets of a list of refs, which must end in a flush: cut off, it would look like fewer branches. */
async function collectPackets(response: GitResponse, url: string): Promise<(Buffer | null)[]> {
  const packets: (Buffer | null)[] = [];
  let length = 0;
  for await (const packet of readPackets(response.body)) {
    if (packet !== null) refuseError(packet, url);
    length += packet?.length ?? 4;
    if (length > LARGEST_ANSWER_BYTES) throw invalid(url, 'lists more than 128 MiB of refs');
    packets.push(packet);
  }
  if (packets.at(-1) !== null) throw invalid(url, 'ends its list of refs too early');
  return packets;
}

function readAdvertisement(packets: readonly (Buffer | null)[], url: string) {
  const refs = new Map<string, string>();
  let words: string[] = [];
  for (const packet of packets) {
    const line = lineOf(packet);
    if (packet === null || line === 'version 1' || line.startsWith('shallow ')) continue;
    const [head = '', capabilities] = line.split('\0', 2);
    if (capabilities !== undefined) words = capabilities.split(' ').filter((word) => word !== '');
    const match = /^([0-9a-f]{40}) (\S+)$/.exec(head);
    if (!match) throw invalid(url, 'does not answer as a git repository');
    const [, oid = '', ref = ''] = match;
    if (ref !== 'capabilities^{}' && !ref.endsWith('^{}')) refs.set(ref, oid);
  }
  return { refs, capabilities: capabilityMap(words) };
}

function capabilityMap(words: readonly string[]): Map<string, string> {
  return new Map(
    words.map((word): [string, string] => {
      const at = word.indexOf('=');
      return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** A redirect must lead to the same question at another address, not to a login or landing page. */
function repositoryOf(finalUrl: string, address: string): string {
  if (finalUrl.endsWith(SUFFIX)) return finalUrl.slice(0, -SUFFIX.length);
  throw new Failure('redirect-refused', `${address} redirects to ${finalUrl}, which is no repository.`, {
    data: { host: parseRemoteUrl(address).host },
  });
}
