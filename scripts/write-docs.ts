// Writes the tables of the documents from the source: `npm run docs`. Text between the markers
// `<!-- <name>: begin … -->` and `<!-- <name>: end -->` is replaced; everything else is written by people.

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { SETTING_KEYS, type SettingKey, settingOf } from '../src/config/settings.ts';
import { statusOf } from '../src/http/problem.ts';
import { reasonOf } from '../src/model/failure.ts';
import { FAILURES, type FailureCode, STANDING_CODES } from '../src/model/failure-codes.ts';
import type { RetryRule } from '../src/model/failure-row.ts';
import {
  NEEDS_ATTENTION,
  NO_FACTS,
  PROJECT_STATES,
  type ProjectState,
  projectState,
} from '../src/model/project.ts';
import { apiReference } from './api-reference.ts';
import { commandsReference } from './commands-reference.ts';
import { readContract } from './contract-document.ts';
import { markdownTable } from './markdown-table.ts';

const ROOT = new URL('..', import.meta.url);
const FAILURE_CODES = Object.keys(FAILURES) as FailureCode[];

/** What each state means to a person. A new state does not compile without its words. */
const STATE_MEANINGS: Record<ProjectState, string> = {
  safe: 'What is checked out, and everything on the synced branches, is on the remote, files that are held back aside.',
  pending: 'Something waits to be committed or pushed. Its turn comes by itself.',
  syncing: 'It is being committed or pushed right now.',
  retrying: 'The last attempt failed in a way that passes. The next one is planned.',
  offline: 'The host cannot be reached. Changes are committed here and pushed when it answers.',
  'rate-limited': 'The host asked for a pause. It goes on afterwards; no attempt is used up.',
  conflict: 'The remote has commits that are not here. Nothing is overwritten on either side.',
  blocked: 'It cannot go on without a person. The reason names what to do.',
  missing: 'The folder is not there. A missing folder is never taken for deleted files.',
  paused:
    'A person paused it, until resumed or until the time they gave; or its repository was archived, which is a reason.',
  disabled: 'It is listed and nothing else: not watched, not committed, not pushed.',
};

/** Faults at the start or in the database: they stop the service, not a project. */
const SERVICE_CODES: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'invalid-config',
  'port-in-use',
  'unsafe-bind',
  'database-in-use',
  'database-corrupt',
  'database-read-only',
  'database-newer',
  'database-older',
  'database-missing',
  'database-unreachable',
  'database-busy',
]);

const RETRIES: Record<Exclude<RetryRule, 'never'>, string> = {
  backoff: 'yes, with growing delays',
  gate: 'yes, after the pause of the host',
  soon: 'yes, at once',
};

/** Codes whose project is in another state than the rules for failures would say. */
const OTHER_STATES: ReadonlyMap<string, ProjectState> = new Map([
  ['aborted', 'pending'],
  ['lease-lost', 'pending'],
  ['not-compared', 'pending'],
  ['machine-silent', 'pending'],
  ['quiet-hours', 'pending'],
  ['account-suspended', 'blocked'],
  // What is held back does not stand in the way of the rest.
  ['file-held', 'safe'],
]);

/** Tables by document (from the root) and by the name in their markers. */
export const TABLES: Record<string, Record<string, () => string>> = {
  'docs/configuration.md': { settings: settingsTable },
  'docs/cli.md': { commands: commandsReference },
  'docs/states-and-actions.md': {
    states: statesTable,
    'folder codes': () => codesTable(FAILURE_CODES.filter((code) => STANDING_CODES.has(code))),
    'remote codes': () => codesTable(FAILURE_CODES.filter(isRemoteCode)),
    'service codes': () => codesTable(FAILURE_CODES.filter((code) => SERVICE_CODES.has(code))),
    'request codes': () => requestTable(FAILURE_CODES.filter(isRequestCode)),
  },
};

/** The document with every table written anew. @throws Error when a marker is missing or stands there twice */
export function withTables(text: string, tables: Record<string, () => string>): string {
  return Object.entries(tables).reduce(
    (result, [name, table]) => replaceBetween(result, name, table()),
    text,
  );
}

function replaceBetween(text: string, name: string, table: string): string {
  const begin = new RegExp(`^<!-- ${name}: begin.*-->$`, 'gm');
  const end = `<!-- ${name}: end -->`;
  const begins = [...text.matchAll(begin)];
  const endAt = text.indexOf(end);
  const [first] = begins;
  if (first === undefined || begins.length !== 1 || endAt < first.index || endAt !== text.lastIndexOf(end)) {
    throw new Error(`The markers of "${name}" must stand there once, in order.`);
  }
  return `${text.slice(0, first.index + first[0].length)}\n\n${table}\n\n${text.slice(endAt)}`;
}

function isRequestCode(code: FailureCode): boolean {
  return statusOf(code) !== 500 && !STANDING_CODES.has(code) && !SERVICE_CODES.has(code);
}

function isRemoteCode(code: FailureCode): boolean {
  return !STANDING_CODES.has(code) && !SERVICE_CODES.has(code) && !isRequestCode(code);
}

function settingsTable(): string {
  const applies = { live: 'at once', restart: 'at the next start', 'start-only': 'at start only' };
  const rows = SETTING_KEYS.map((key) => {
    const setting = settingOf(key);
    const env = setting.env === undefined ? '–' : `\`${setting.env}\``;
    const doc = setting.secret ? `${setting.doc} Secret: never shown.` : setting.doc;
    return [`\`${key}\``, env, shownDefault(setting.default), allowed(key), applies[setting.applies], doc];
  });
  return markdownTable(
    ['Setting', 'Variable', 'Default', 'Allowed', 'A change applies', 'What it does'],
    rows,
  );
}

function shownDefault(value: unknown): string {
  if (value === null) return 'none';
  return typeof value === 'object' && Object.keys(value).length === 0
    ? 'empty'
    : `\`${JSON.stringify(value)}\``;
}

type Shape = {
  type?: string;
  minimum?: number;
  maximum?: number;
  enum?: unknown[];
  anyOf?: Shape[];
  items?: Shape;
};

function allowed(key: SettingKey): string {
  const shape = z.toJSONSchema(settingOf(key).schema, { unrepresentable: 'any' }) as Shape;
  return shapeInWords(shape);
}

function shapeInWords(shape: Shape): string {
  if (shape.anyOf)
    return shape.anyOf
      .filter(({ type }) => type !== 'null')
      .map(shapeInWords)
      .join(' or ');
  if (shape.enum) return shape.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (shape.type === 'integer') return `${shape.minimum} to ${shape.maximum}`;
  if (shape.type === 'boolean') return 'true or false';
  if (shape.type === 'array') return 'a list of texts';
  if (shape.type === 'object') return 'an object of texts';
  return 'text';
}

function statesTable(): string {
  const rows = PROJECT_STATES.map((state) => [
    `\`${state}\``,
    STATE_MEANINGS[state],
    NEEDS_ATTENTION.has(state) ? '**yes**' : state === 'paused' ? 'with a reason' : 'no',
  ]);
  return markdownTable(['State', 'What it means', 'Needs you'], rows);
}

function codesTable(codes: readonly FailureCode[]): string {
  const rows = codes.map((code) => {
    const state = SERVICE_CODES.has(code) ? '–' : `\`${stateOf(code)}\``;
    return [`\`${code}\``, state, retriedInWords(code), FAILURES[code].action];
  });
  return markdownTable(['Code', 'State', 'Tried again', 'What to do'], rows);
}

function requestTable(codes: readonly FailureCode[]): string {
  const rows = codes.map((code) => [`\`${code}\``, String(statusOf(code)), FAILURES[code].action]);
  return markdownTable(['Code', 'Status', 'What to do'], rows);
}

function retriedInWords(code: FailureCode): string {
  const { retry } = FAILURES[code];
  if (code === 'quiet-hours') return 'when the quiet hours end';
  if (retry !== 'never') return RETRIES[retry];
  if (SERVICE_CODES.has(code)) return 'no';
  if (code === 'repository-archived') return 'every hour, and when you trigger it';
  const isParked = !STANDING_CODES.has(code) && stateOf(code) === 'blocked';
  return !isParked ? 'at the next change or scan' : 'when you trigger it';
}

/** The state of a project that met this code, by the product's own rule where that needs a person. */
function stateOf(code: FailureCode): ProjectState {
  const { retry } = FAILURES[code];
  const other = OTHER_STATES.get(code);
  if (other !== undefined) return other;
  if (retry === 'gate') return code === 'offline' ? 'offline' : 'rate-limited';
  if (retry !== 'never') return 'retrying';
  const facts = { ...NO_FACTS, blocked: reasonOf(code, code) };
  return projectState({ github: { enabled: true }, pausedUntil: null, facts, job: null, gate: null, now: 0 })
    .state;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, tables] of Object.entries(TABLES)) {
    const file = new URL(path, ROOT);
    await writeFile(file, withTables(await readFile(file, 'utf8'), tables));
  }
  await writeFile(new URL('docs/api-reference.md', ROOT), apiReference(await readContract()));
}
