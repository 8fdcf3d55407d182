// Changes single members of a JSON text and leaves every other character as it is: order, unknown keys, the form
// of numbers, indentation, the end of the file. Pure; the text must be valid JSON with an object at its top.

import { type JsonMember, type JsonNode, scanJson } from './json-text.ts';

export type JsonPatch = { readonly [key: string]: unknown };

type Change = { readonly path: readonly string[]; readonly value: unknown };

/**
 * Merges deeply: objects key by key, arrays and all else replace, `null` removes, `undefined` changes nothing.
 * A new member goes behind the others of its object.
 */
export function editJson(text: string, patch: JsonPatch): string {
  let edited = text;
  // Each change scans the text anew: a handful of changes to a small file, and no offsets to keep in step.
  for (const change of changesOf(patch, [])) edited = applyChange(edited, change);
  return edited;
}

function changesOf(patch: JsonPatch, path: readonly string[]): Change[] {
  return Object.entries(patch).flatMap(([key, value]) => {
    const at = [...path, key];
    if (value === undefined) return [];
    if (!isObject(value)) return [{ path: at, value }];
    const inner = changesOf(value, at);
    return inner.length > 0 ? inner : [{ path: at, value: {} }];
  });
}

const isObject = (value: unknown): value is JsonPatch =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function applyChange(text: string, { path, value }: Change): string {
  let node = scanJson(text);
  for (const [depth, key] of path.entries()) {
    const last = depth === path.length - 1;
    // Of equal keys JSON readers take the last.
    const member = node.members?.findLast((candidate) => candidate.key === key);
    if (!member) return value === null ? text : insert(text, node, key, nest(path.slice(depth + 1), value));
    if (last && value === null) return remove(text, node, member);
    const keeps = last ? isEmptyObject(value) && member.value.members : member.value.members;
    if (last && keeps) return text; // merging nothing into an object
    if (last || !keeps) {
      return value === null ? text : replace(text, member, nest(path.slice(depth + 1), value));
    }
    node = member.value;
  }
  return text;
}

const isEmptyObject = (value: unknown) => isObject(value) && Object.keys(value).length === 0;

function nest(path: readonly string[], value: unknown): unknown {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value);
}

function replace(text: string, member: JsonMember, value: unknown): string {
  const { start, end } = member.value;
  return text.slice(0, start) + format(text, value, indentAt(text, member.start)) + text.slice(end);
}

function insert(text: string, node: JsonNode, key: string, value: unknown): string {
  const members = node.members ?? [];
  const last = members.at(-1);
  const name = JSON.stringify(key);
  const lineEnd = lineEndOf(text);
  if (last) {
    const indent = indentAt(text, last.start);
    const gap = indent === null ? ' ' : lineEnd + indent;
    const added = `,${gap}${name}: ${format(text, value, indent)}`;
    return text.slice(0, last.value.end) + added + text.slice(last.value.end);
  }
  const outer = lineIndentAt(text, node.start);
  const indent = outer + indentUnitOf(text);
  const added = `{${lineEnd}${indent}${name}: ${format(text, value, indent)}${lineEnd}${outer}}`;
  return text.slice(0, node.start) + added + text.slice(node.end);
}

function remove(text: string, node: JsonNode, member: JsonMember): string {
  const members = node.members ?? [];
  const index = members.indexOf(member);
  const next = members[index + 1];
  const previous = members[index - 1];
  if (next) return text.slice(0, member.start) + text.slice(next.start);
  if (previous) return text.slice(0, previous.value.end) + text.slice(member.value.end);
  return `${text.slice(0, node.start)}{}${text.slice(node.end)}`;
}

/** `indent` null: on one line, as its neighbours. */
function format(text: string, value: unknown, indent: string | null): string {
  if (indent === null) return JSON.stringify(value);
  return JSON.stringify(value, null, indentUnitOf(text)).replaceAll('\n', lineEndOf(text) + indent);
}

/** The blanks before `offset` when nothing else stands before it on its line; else null. */
function indentAt(text: string, offset: number): string | null {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return /^[ \t]*$/.test(line) && text.lastIndexOf('\n', offset - 1) >= 0 ? line : null;
}

function lineIndentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1))?.[0] ?? '';
}

const indentUnitOf = (text: string) => /\n([ \t]+)"/.exec(text)?.[1] ?? '  ';
const lineEndOf = (text: string) => (text.includes('\r\n') ? '\r\n' : '\n');
