import { expect, test } from 'vitest';
import { editJson } from '../../src/detect/json-edit.ts';
import { JsonSyntaxError, positionAt, scanJson } from '../../src/detect/json-text.ts';

function faultOf(text: string) {
  try {
    scanJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError)
      return { ...positionAt(text, error.offset), message: error.message };
    throw error;
  }
  return null;
}

test.each([
  ['', 1, 1, 'expected a value, found the end of the file'],
  ['{\n  "a": 1,\n}', 3, 1, 'expected a name in double quotes, found "}"'],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'expected "," or "}", found """'],
  ['{ "a" 1 }', 1, 7, 'expected ":", found "1"'],
  ['{ "a": \'x\' }', 1, 8, 'expected a value, found "\'"'],
  ['{ "a": [1, 2 }', 1, 14, 'expected "," or "]", found "}"'],
  ['{ "a": "x\n}', 1, 8, 'a text that is not ended on its line or has a wrong escape'],
  ['{ "a": "\\x" }', 1, 8, 'a text that is not ended on its line or has a wrong escape'],
  ['{ "a": 01 }', 1, 8, 'expected a value, found "0"'],
  ['{ "a": tru }', 1, 8, 'expected a value, found "t"'],
  ['{} x', 1, 4, 'expected the end of the file, found "x"'],
  ['// c\n{}', 1, 1, 'expected a value, found "/"'],
  [`{"a":${'['.repeat(500)}`, 1, 206, 'nested more than 200 deep'],
])('scanJson(%j) names line %i, column %i', (text, line, column, message) => {
  expect(() => JSON.parse(text)).toThrow();
  expect(faultOf(text)).toEqual({ line, column, message });
});

test.each(['null', '-0.5e+10', '"\\u00e9\\n"', '[]', ' [ 1 , "]" , {} ] ', '{"a":{"b":[true,false]},"":0}'])(
  'scanJson(%j) accepts what JSON.parse accepts',
  (text) => {
    expect(faultOf(text)).toBeNull();
    expect(() => JSON.parse(text)).not.toThrow();
  },
);

const FILE = `{
    "zeta": 1.0,
    "github": {
        "enabled": true,
        "x-tool": { "list": [1, 2,   3], "big": 12345678901234567890 },
        "syncBranches": ["main"]
    },
    "2": "numbers stay where they are",
    "1": null
}
`;

test.each([
  ['a scalar', { github: { enabled: false } }, FILE.replace('true', 'false')],
  [
    'an array as a whole',
    { github: { syncBranches: ['a', 'b'] } },
    FILE.replace('["main"]', '[\n            "a",\n            "b"\n        ]'),
  ],
  ['nothing', { github: {}, zeta: undefined }, FILE],
  [
    'a new member',
    { github: { mode: 'push' } },
    FILE.replace('["main"]', '["main"],\n        "mode": "push"'),
  ],
  [
    'a new member on one line',
    { github: { 'x-tool': { on: true } } },
    FILE.replace('567890 }', '567890, "on": true }'),
  ],
  [
    'a new nested object',
    { github: { guard: { secrets: false } } },
    FILE.replace('["main"]', '["main"],\n        "guard": {\n            "secrets": false\n        }'),
  ],
  ['the first member away', { zeta: null }, FILE.replace('"zeta": 1.0,\n    ', '')],
  ['the last member away', { '1': null }, FILE.replace(',\n    "1": null', '')],
  ['a missing member away', { github: { mode: null, guard: { allow: null } } }, FILE],
  ['an object by a scalar', { github: 5 }, FILE.replace(/\{\n {8}[\s\S]*?\n {4}\}/, '5')],
  ['a scalar by an object', { zeta: { a: 1 } }, FILE.replace('1.0', '{\n        "a": 1\n    }')],
])('editJson() changes %s and nothing else', (_what, patch, expected) => {
  expect(editJson(FILE, patch)).toBe(expected);
});

test('editJson() removes every member and fills an empty object', () => {
  const text = '{\r\n\t"a": { "b": 1, "c": 2 }\r\n}';
  const emptied = editJson(text, { a: { b: null, c: null } });
  expect(emptied).toBe('{\r\n\t"a": {}\r\n}');
  expect(editJson(emptied, { a: { d: [1] } })).toBe(
    '{\r\n\t"a": {\r\n\t\t"d": [\r\n\t\t\t1\r\n\t\t]\r\n\t}\r\n}',
  );
});

test('editJson() changes the last of equal keys, which is the one that readers take', () => {
  expect(JSON.parse(editJson('{"a":1,"a":2}', { a: 3 }))).toEqual({ a: 3 });
});

test('editJson() treats __proto__ as any other name', () => {
  const patch = JSON.parse('{"__proto__": {"polluted": true}}');
  expect(editJson('{}', patch)).toContain('"__proto__"');
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});
