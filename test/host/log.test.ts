import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLog, redact } from '../../src/host/log.ts';

// Put together here, so that this file holds nothing that looks like a real token.
const TOKEN = ['ghp', 'A'.repeat(36)].join('_');

test.each([
  [`https://user:${TOKEN}@github.com/u/r.git`, 'https://github.com/u/r.git'],
  [`https://${TOKEN}@github.com/u/r.git`, 'https://github.com/u/r.git'],
  [`remote said: ${TOKEN} is not valid`, 'remote said: [redacted] is not valid'],
  ['Authorization: Bearer abcdef.ghijkl', 'Authorization: Bearer [redacted]'],
  [
    'mail to ada@example.com about http://localhost:3001',
    'mail to ada@example.com about http://localhost:3001',
  ],
])('redact() turns %s into %s', (text, expected) => {
  expect(redact(text)).toBe(expected);
});

test('createLog() writes JSON lines without secrets, neither by key nor inside texts', () => {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const log = createLog('info', destination);
  log.debug('not written');
  log.info(
    {
      token: TOKEN,
      nested: { password: 'hidden-word' },
      err: new Error(`push to https://u:${TOKEN}@h failed`),
    },
    'hello',
  );
  expect(lines).toHaveLength(1);
  const [line = ''] = lines;
  expect(JSON.parse(line)).toMatchObject({ level: 'info', msg: 'hello', token: '[redacted]' });
  expect(line).not.toContain(TOKEN);
  expect(line).not.toContain('hidden-word');
});
