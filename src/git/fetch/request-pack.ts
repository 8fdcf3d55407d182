// One POST that asks for commits and answers their pack as a stream. A single round: what we have is said at once,
// with `done`, so that the server need not be asked twice.

import { Failure } from '../../model/failure.ts';
import { classifyRejection } from '../remote/classify.ts';
import { encodePacket, FLUSH_PACKET, readPackets } from '../remote/pkt-line.ts';
import {
  type Asking,
  DELIMITER_PACKET,
  invalid,
  lineOf,
  postUploadPack,
  refuseError,
  type UploadPack,
  versionHeaders,
} from './upload-pack.ts';

export type PackWish = {
  wants: readonly string[];
  haves: readonly string[];
  /** Commits whose parents are not here. */
  shallow: readonly string[];
  /** Whether deltas against objects that are only here can be completed. */
  thin: boolean;
};

const LONGEST_MESSAGES = 8 * 1024;
const WANTED_BEFORE_2 = ['ofs-delta', 'no-progress', 'side-band-64k', 'thin-pack'];

/** Streams the bytes of the pack. @throws Failure `remote-error`, `remote-invalid-answer`, `needs-system-git` */
export async function* requestPack(
  asking: Asking,
  server: UploadPack,
  wish: PackWish,
): AsyncGenerator<Uint8Array> {
  refuseShallow(server, wish);
  const body = server.version === 2 ? bodyOf2(asking, wish) : bodyOf0(asking, server, wish);
  const response = await postUploadPack(asking, server.url, body, versionHeaders(server), asking.signal);
  const packets = readPackets(response.body);
  if (server.version === 2) yield* packOf2(packets, server.url);
  else yield* packOf0(packets, server);
}

function refuseShallow({ version, capabilities }: UploadPack, { shallow }: PackWish): void {
  if (shallow.length === 0) return;
  if (version === 0 && capabilities.has('shallow')) return;
  throw new Failure(
    'needs-system-git',
    'The clone is shallow, and the remote does not serve shallow clones.',
    {
      action: 'Make it whole: `git fetch --unshallow`.',
    },
  );
}

function bodyOf2({ transport }: Asking, { wants, haves, thin }: PackWish): Buffer {
  const lines = [
    ...(thin ? ['thin-pack'] : []),
    'no-progress',
    'ofs-delta',
    ...wants.map((oid) => `want ${oid}`),
    ...haves.map((oid) => `have ${oid}`),
    'done',
  ];
  return Buffer.concat([
    encodePacket('command=fetch\n'),
    encodePacket(`agent=${transport.userAgent}\n`),
    DELIMITER_PACKET,
    ...lines.map((line) => encodePacket(`${line}\n`)),
    FLUSH_PACKET,
  ]);
}

function bodyOf0({ transport }: Asking, { capabilities }: UploadPack, wish: PackWish): Buffer {
  const chosen = WANTED_BEFORE_2.filter(
    (name) => capabilities.has(name) && (name !== 'thin-pack' || wish.thin),
  );
  const words = [...chosen, ...(capabilities.has('agent') ? [`agent=${transport.userAgent}`] : [])];
  return Buffer.concat([
    ...wish.wants.map((oid, at) => encodePacket(`want ${oid}${at === 0 ? ` ${words.join(' ')}` : ''}\n`)),
    ...wish.shallow.map((oid) => encodePacket(`shallow ${oid}\n`)),
    FLUSH_PACKET,
    ...wish.haves.map((oid) => encodePacket(`have ${oid}\n`)),
    encodePacket('done\n'),
  ]);
}

async function* packOf2(packets: AsyncIterable<Buffer | null>, url: string): AsyncGenerator<Uint8Array> {
  let began = false;
  const messages = { text: '' };
  for await (const packet of packets) {
    if (packet === null) {
      if (began) return;
      continue;
    }
    refuseError(packet, url);
    if (began) yield* bandOf(packet, messages, url);
    else if (lineOf(packet) === 'packfile') began = true;
    else throw invalid(url, `answers a fetch with "${lineOf(packet).slice(0, 60)}"`);
  }
  throw invalid(url, 'ends its pack too early');
}

/** Acknowledgements first, then the pack: in bands, or as it is to the end of the answer. */
async function* packOf0(
  packets: AsyncIterable<Buffer | null>,
  { capabilities, url }: UploadPack,
): AsyncGenerator<Uint8Array> {
  if (!capabilities.has('side-band-64k')) {
    throw new Failure('needs-system-git', `The server of ${url} is too old for the built-in engine.`);
  }
  const messages = { text: '' };
  let began = false;
  for await (const packet of packets) {
    if (packet === null) {
      if (began) return;
      continue;
    }
    refuseError(packet, url);
    if (!began && /^(?:NAK|ACK |shallow |unshallow )/.test(lineOf(packet))) continue;
    began = true;
    yield* bandOf(packet, messages, url);
  }
  throw invalid(url, 'ends its pack too early');
}

function* bandOf(packet: Buffer, messages: { text: string }, url: string): Generator<Uint8Array> {
  const [band] = packet;
  if (band === 1) {
    yield packet.subarray(1);
    return;
  }
  if (band !== 2 && band !== 3) throw invalid(url, `sends a pack in the unknown band ${band}`);
  if (messages.text.length < LONGEST_MESSAGES) messages.text += packet.toString('utf8', 1);
  if (band === 2) return;
  const { code, detail } = classifyRejection({ sideband: messages.text });
  throw new Failure(
    code === 'push-rejected' ? 'remote-error' : code,
    `The remote ended the fetch: ${detail}`,
  );
}
