// One POST to git-receive-pack: the command, the pack, the verdict. Who calls has proven what `from` is.

import { redact } from '../../host/log.ts';
import { Failure } from '../../model/failure.ts';
import type { SyncProgress } from '../../model/progress.ts';
import type { ObjectStore, Repository } from '../types.ts';
import { bulkPack } from './bulk-pack.ts';
import { classifyRejection } from './classify.ts';
import { newObjects } from './history.ts';
import type { OpenedPush } from './opened-push.ts';
import { writePack } from './pack-write.ts';
import { ASSUMED_CAPABILITIES, pushCommand, pushRequest } from './push-command.ts';
import { parseRemoteUrl } from './remote-url.ts';
import { type PushReport, readPushReport } from './report-status.ts';
import type { GitResponse, GitTransport } from './transport.ts';

type SendPackInput = {
  transport: GitTransport;
  objects: ObjectStore;
  repo: Repository;
  url: string;
  /** The address that led to `url`; left out: nothing did. */
  movedFrom?: string;
  branch: string;
  tip: string;
  /** What the remote's branch is at; null: it is not there yet. */
  from: string | null;
  /** Commits that the remote has and that are here. */
  bases: readonly string[];
  capabilities: ReadonlySet<string>;
  signal: AbortSignal;
  env?: Readonly<Record<string, string | undefined>>;
  onProgress?(sent: Omit<SyncProgress, 'phase'>): void;
  /** Grows by the requests made. */
  count: { requests: number };
  /** A request that was begun for this push; one that is too large for it is sent by another. */
  opened?: OpenedPush | null;
};

/** Above this many, git's deltas and speed are worth a process. */
const MOST_COMMITS = 1_000;
const MOST_OBJECTS = 2_000;
/** Smaller uploads are sent with their length; larger ones as a stream. */
const BUFFERED_BYTES = 1024 * 1024;

/**
 * Resolves when the remote said `unpack ok` and `ok <ref>`; `bytes` is the size of the upload.
 * @throws Failure a refusal by its name, or a fault with `data.outcomeUnknown: true`
 */
export async function sendPack(input: SendPackInput): Promise<{ bytes: number }> {
  const wanted = chosenCapabilities(input);
  const hasSideBand = wanted.includes('side-band-64k');
  const prepared = input.opened?.preparedFor(input.tip) ?? null;
  if (prepared !== null) {
    judge(input, await post(input, prepared, hasSideBand));
    return { bytes: prepared.length };
  }
  const upload = await makeUpload(input, wanted);
  try {
    judge(input, await post(input, upload.body, hasSideBand));
    return { bytes: upload.sentBytes() };
  } finally {
    await upload.end();
  }
}

/** Makes what is sent by a request that was opened; null when it is too much for that. @throws Failure as `newObjects` */
export async function packFor(
  { from, branch }: OpenedPush,
  input: Pick<SendPackInput, 'objects' | 'repo' | 'tip' | 'signal'>,
): Promise<Uint8Array | null> {
  const place = { from, branch, bases: [from], capabilities: ASSUMED_CAPABILITIES };
  const upload = await makeUpload({ ...input, ...place }, [...ASSUMED_CAPABILITIES]);
  await upload.end();
  return upload.body instanceof Uint8Array ? upload.body : null;
}

type UploadInput = Pick<SendPackInput, 'objects' | 'repo' | 'tip' | 'from' | 'branch' | 'bases'> &
  Pick<SendPackInput, 'capabilities' | 'signal' | 'env' | 'onProgress'>;

async function makeUpload(input: UploadInput, wanted: readonly string[]) {
  const pack = await packOf(input);
  const source = withCommand(pushCommand(input, wanted), pack.bytes);
  // The request may fail before it has read the pack: whoever makes it must end.
  const end = async () => void (await source.return(undefined));
  try {
    return { ...(await bufferedOrStream(source, pack, input)), end };
  } catch (error) {
    await end();
    throw error;
  }
}

function chosenCapabilities({ capabilities, transport, url }: SendPackInput): string[] {
  const { host } = parseRemoteUrl(url);
  const format = [...capabilities].find((each) => each.startsWith('object-format='));
  if (format !== undefined && format !== 'object-format=sha1') {
    throw new Failure('unsupported-object-format', `The repository on ${host} has ${format}.`, {
      data: { host },
    });
  }
  if (!capabilities.has('report-status')) {
    throw new Failure('remote-invalid-answer', `${host} would not report what became of a push.`, {
      data: { host },
    });
  }
  const wanted = ['report-status'];
  if (capabilities.has('side-band-64k')) wanted.push('side-band-64k');
  if (format !== undefined) wanted.push(format);
  if ([...capabilities].some((each) => each.startsWith('agent='))) {
    wanted.push(`agent=${transport.userAgent.replace(/[^\x21-\x7e]+/g, '-')}`);
  }
  return wanted;
}

/** `written` counts the objects whose bytes were taken; null where git makes the pack. */
type Pack = { bytes: AsyncIterable<Uint8Array>; written(): number | null; total: number | null };

async function packOf(input: UploadInput): Promise<Pack> {
  const { objects, repo, tip, bases, signal, env } = input;
  const found = await newObjects(objects, tip, bases, MOST_COMMITS, MOST_OBJECTS);
  if (found !== 'too-many') {
    let written = 0;
    const count = () => {
      written += 1;
    };
    const { oids } = found;
    return { bytes: writePack(objects, oids, count), written: () => written, total: oids.length };
  }
  const offsetDeltas = input.capabilities.has('ofs-delta');
  const bytes = bulkPack({ objects, repo, tip, bases, offsetDeltas, signal, ...(env ? { env } : {}) });
  return { bytes, written: () => null, total: null };
}

async function* withCommand(command: Buffer, pack: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield command;
  yield* pack;
}

/** Reads ahead before the request is made, so that a slow start of the pack is no idle connection. */
async function bufferedOrStream(
  source: AsyncGenerator<Uint8Array>,
  { written, total }: Pack,
  { onProgress }: UploadInput,
) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let ended = false;
  while (length <= BUFFERED_BYTES && !ended) {
    const next = await source.next();
    if (next.done) ended = true;
    else {
      chunks.push(next.value);
      length += next.value.length;
    }
  }
  let sent = ended ? length : 0;
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks.splice(0)) yield counted(chunk);
    for await (const chunk of source) yield counted(chunk);
  }
  const counted = (chunk: Uint8Array) => {
    sent += chunk.length;
    onProgress?.({ objects: written(), objectsTotal: total, bytes: sent });
    return chunk;
  };
  return { body: ended ? Buffer.concat(chunks) : stream(), sentBytes: () => sent };
}

async function post(
  input: SendPackInput,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  sideBand: boolean,
): Promise<PushReport> {
  const { host } = parseRemoteUrl(input.url);
  input.count.requests += 1;
  try {
    const response = await respond(input, body);
    const type = response.headers.get('content-type') ?? 'none';
    if (!type.startsWith('application/x-git-receive-pack-result')) {
      await response.body.return(undefined);
      throw new Failure('remote-invalid-answer', `${host} answered the push with content of type ${type}.`, {
        data: { host },
      });
    }
    return await readPushReport(response.body, sideBand);
  } catch (error) {
    throw withOutcome(error, host);
  }
}

function respond(
  { opened, transport, url, movedFrom, signal }: SendPackInput,
  body: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<GitResponse> {
  if (opened && body instanceof Uint8Array && opened.takes(body)) return opened.send(body);
  opened?.cancel();
  return transport.request({
    ...pushRequest(url),
    ...(movedFrom !== undefined && { movedFrom }),
    ...{ body, signal },
  });
}

/** A refusal is certain; after anything else the remote may or may not have taken the push. */
function withOutcome(error: unknown, host: string): unknown {
  if (!(error instanceof Failure)) return error;
  const { status } = error.data;
  if (typeof status === 'number' && status >= 300 && status < 500) return error;
  const data = { host, ...error.data, outcomeUnknown: true };
  return new Failure(error.code, error.message, { data, cause: error, action: error.action });
}

function judge(input: SendPackInput, report: PushReport): void {
  const ref = `refs/heads/${input.branch}`;
  const reason = report.unpack === 'ok' ? report.refs.get(ref) : report.unpack;
  if (reason === null) return;
  const { host } = parseRemoteUrl(input.url);
  if (reason === undefined) {
    throw new Failure('remote-invalid-answer', `${host} did not say what became of ${ref}.`, {
      data: { host, outcomeUnknown: true },
    });
  }
  const verdict = classifyRejection({ reason, sideband: report.messages });
  throw new Failure(verdict.code, `${host} refused ${input.branch}: ${verdict.detail}`, {
    data: {
      host,
      reason: redact(reason),
      ...(verdict.code === 'rate-limited' ? { gate: `host:${host}` } : {}),
    },
  });
}
