import { expect, test } from 'vitest';
import { encodePacket, FLUSH_PACKET, readPackets } from '../../../src/git/remote/pkt-line.ts';

async function packetsOf(chunks: Uint8Array[]): Promise<(string | null)[]> {
  const texts: (string | null)[] = [];
  for await (const packet of readPackets(chunks))
    texts.push(packet === null ? null : packet.toString('utf8'));
  return texts;
}

test('encodePacket() counts bytes, not characters', () => {
  expect(encodePacket('abc').toString()).toBe('0007abc');
  expect(encodePacket('ä').toString()).toBe('0006ä');
});

test('encodePacket() refuses what no packet can hold', () => {
  expect(encodePacket(Buffer.alloc(65_516)).toString('latin1', 0, 4)).toBe('fff0');
  expect(() => encodePacket(Buffer.alloc(65_517))).toThrow(RangeError);
});

test('readPackets() tells a flush from an empty packet', async () => {
  expect(await packetsOf([Buffer.from('0004'), FLUSH_PACKET])).toEqual(['', null]);
});

test('readPackets() reads packets wherever the chunks are cut', async () => {
  const bytes = Buffer.concat([encodePacket('first\n'), FLUSH_PACKET, encodePacket('second'), FLUSH_PACKET]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    expect(await packetsOf([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual([
      'first\n',
      null,
      'second',
      null,
    ]);
  }
  expect(await packetsOf([...bytes].map((byte) => Buffer.from([byte])))).toHaveLength(4);
});

test.each([
  ['a length that is none', 'zzzzabc'],
  ['a length below four', '0003'],
  ['a web page', '<!doctype html>'],
  ['an end inside the length', '00'],
  ['an end inside the payload', '000aabc'],
])('readPackets() refuses %s', async (_what, text) => {
  await expect(packetsOf([Buffer.from(text)])).rejects.toMatchObject({ code: 'remote-invalid-answer' });
});
