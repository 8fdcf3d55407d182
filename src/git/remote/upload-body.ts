// What a request uploads, in the forms that `fetch` takes. Knows nothing of what is in it.

export type UploadBody =
  | Uint8Array
  /** A stream, sent as it is made: it cannot be sent twice. */
  | AsyncIterable<Uint8Array>
  /** Makes the stream anew for each sending. Its first bytes may be out long before the rest is there. */
  | (() => AsyncIterable<Uint8Array>);

/** What makes a second sending impossible. */
export function isSentOnce(body: UploadBody | undefined): boolean {
  return body !== undefined && typeof body !== 'function' && !(body instanceof Uint8Array);
}

/** As one piece, when all of it is there. */
export async function wholeOf(body: () => AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** `onBytes` is called as bytes are taken, `onFault` with what the stream throws. */
export function uploadOf(
  body: UploadBody | undefined,
  onBytes: () => void,
  onFault: (error: unknown) => void,
): RequestInit {
  if (body === undefined) return {};
  if (body instanceof Uint8Array) return { body: body as Uint8Array<ArrayBuffer> };
  const source = (typeof body === 'function' ? body() : body)[Symbol.asyncIterator]();
  // With a plain pull, because Deno does not take async iterables as bodies.
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await source.next();
        onBytes();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      } catch (error) {
        onFault(error);
        controller.error(error);
      }
    },
    async cancel() {
      await source.return?.();
    },
  });
  // `duplex` is required for streams and missing in the type.
  return { body: stream, duplex: 'half' } as RequestInit;
}
