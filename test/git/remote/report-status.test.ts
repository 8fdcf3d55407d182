import { expect, test } from 'vitest';
import { encodePacket, FLUSH_PACKET } from '../../../src/git/remote/pkt-line.ts';
import { readPushReport } from '../../../src/git/remote/report-status.ts';

const MAIN = 'refs/heads/main';
const report = (...lines: string[]) =>
  Buffer.concat([...lines.map((line) => encodePacket(line)), FLUSH_PACKET]);
const band = (number: number, payload: string | Uint8Array) =>
  encodePacket(Buffer.concat([Buffer.from([number]), Buffer.from(payload)]));

async function* arriving(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

test('readPushReport() puts a report together that was cut across packets', async () => {
  const inner = report('unpack ok\n', `ok ${MAIN}\n`);
  for (let cut = 0; cut <= inner.length; cut += 1) {
    const answer = arriving(band(1, inner.subarray(0, cut)), band(1, inner.subarray(cut)), FLUSH_PACKET);
    const read = await readPushReport(answer, true);
    expect(read).toEqual({ unpack: 'ok', refs: new Map([[MAIN, null]]), messages: '' });
  }
});

test('readPushReport() keeps the reason of each ref and the messages, without keep-alives', async () => {
  const read = await readPushReport(
    arriving(
      band(1, ''),
      band(2, '\0\0no ti'),
      band(2, 'cket\0\n'),
      band(1, report('unpack ok\n', `ng ${MAIN} pre-receive hook declined\n`, 'ok refs/heads/b\n')),
      FLUSH_PACKET,
    ),
    true,
  );
  expect(read.messages).toBe('no ticket\n');
  expect([...read.refs]).toEqual([
    [MAIN, 'pre-receive hook declined'],
    ['refs/heads/b', null],
  ]);
});

test('readPushReport() reads an answer without side bands', async () => {
  const read = await readPushReport(
    arriving(report('unpack eof before pack header\n', `ng ${MAIN} x\n`)),
    false,
  );
  expect(read).toMatchObject({ unpack: 'eof before pack header', messages: '' });
});

test.each([
  ['a fatal band', band(3, 'out of disk'), true],
  ['an error packet among bands', encodePacket('ERR out of disk'), true],
])('readPushReport() takes %s for a refusal of everything', async (_what, packet, sideBand) => {
  const read = await readPushReport(arriving(packet, FLUSH_PACKET), sideBand);
  expect(read).toEqual({ unpack: 'refused', refs: new Map(), messages: 'out of disk' });
});

test('readPushReport() takes an error packet without side bands for the reason', async () => {
  const read = await readPushReport(arriving(encodePacket('ERR out of disk'), FLUSH_PACKET), false);
  expect(read.unpack).toBe('out of disk');
});

const complete = report('unpack ok\n', `ok ${MAIN}\n`);
test.each([
  ['nothing', [], true],
  ['only messages', [band(2, 'hello'), FLUSH_PACKET], true],
  ['a report without its end', [band(1, complete.subarray(0, -4)), FLUSH_PACKET], true],
  ['an unknown band', [band(7, 'x'), FLUSH_PACKET], true],
  ['a plain report without its end', [complete.subarray(0, -4)], false],
  ['a report that does not say what became of the pack', [report(`ok ${MAIN}\n`)], false],
])('readPushReport() does not believe %s', async (_what, chunks, sideBand) => {
  const reading = readPushReport(arriving(...(chunks as Uint8Array[])), sideBand);
  await expect(reading).rejects.toMatchObject({ code: 'remote-invalid-answer' });
});
