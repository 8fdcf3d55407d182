import { expect, test } from 'vitest';
import { fieldsOf, patchOf, textOf, typedValue, valueAt } from '../../src/dashboard/schema-fields.ts';

const SCHEMA = {
  properties: {
    enabled: { type: ['boolean', 'null'] },
    mode: { type: ['string', 'null'], enum: ['commit', 'push', null] },
    branches: { type: ['array', 'null'], items: { type: 'string' } },
    schedule: {
      type: ['object', 'null'],
      properties: { quietMs: { type: ['integer', 'null'], minimum: 0 } },
    },
    message: { anyOf: [{ type: 'string' }, { type: 'object' }] },
  },
};
const fields = fieldsOf(SCHEMA);
const field = (path: string) => fields.find((one) => one.path === path) as (typeof fields)[number];

test('fieldsOf() names each key by its dotted path with what it takes', () => {
  expect(fields.map(({ path, kind }) => [path, kind])).toEqual([
    ['enabled', 'boolean'],
    ['mode', 'choice'],
    ['branches', 'lines'],
    ['schedule.quietMs', 'integer'],
    ['message', 'json'],
  ]);
  expect(field('mode').choices).toEqual(['commit', 'push']);
});

test.each([
  ['enabled', false, 'false'],
  ['mode', 'push', 'push'],
  ['branches', ['main', 'auto/*'], 'main\nauto/*'],
  ['schedule.quietMs', 0, '0'],
  ['message', { command: ['a'] }, '{\n  "command": [\n    "a"\n  ]\n}'],
] as const)('%s goes into a text and back unchanged', (path, value, text) => {
  expect(textOf(field(path), value)).toBe(text);
  expect(typedValue(field(path), text)).toEqual(value);
});

test('an empty text takes a setting back; what cannot be read is sent for the API to refuse', () => {
  expect(typedValue(field('schedule.quietMs'), ' ')).toBeNull();
  expect(typedValue(field('schedule.quietMs'), 'soon')).toBe('soon');
  expect(typedValue(field('message'), '{broken')).toBe('{broken');
});

test('patchOf() nests what was edited and nothing else', () => {
  const patch = patchOf(
    new Map<string, unknown>([
      ['mode', 'push'],
      ['schedule.quietMs', 5],
    ]),
  );
  expect(patch).toEqual({ mode: 'push', schedule: { quietMs: 5 } });
  expect(valueAt(patch, 'schedule.quietMs')).toBe(5);
  expect(valueAt(patch, 'schedule.none.deeper')).toBeUndefined();
});
