// Puts the layers of settings together: default < file < environment < flag < saved.
// Every fault of every layer is collected; one fault means that nothing starts.

import { delimiter } from 'node:path';
import { Failure } from '../model/failure.ts';
import type { Setting } from './setting.ts';
import { type Config, SETTING_KEYS, type SettingKey, settingOf } from './settings.ts';

const SOURCES = ['default', 'file', 'environment', 'flag', 'saved'] as const;
type Source = (typeof SOURCES)[number];

/** One value that cannot be used; `path` is the setting's key or the variable's name. */
export type ConfigIssue = { path: string; message: string };
/** Values by flat key, as one layer gave them. */
export type Layer = Partial<Record<SettingKey, unknown>>;
export type Layers = Partial<Record<Exclude<Source, 'default'>, Layer>>;
export type Loaded = { config: Config; sources: Record<SettingKey, Source> };

const GROUP = 'schedulerOptions';

/** Flattens `{schedulerOptions: {scanInterval}}` to keys of the table; unknown keys become issues. */
export function flatten(input: unknown, where: string): { layer: Layer; issues: ConfigIssue[] } {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return { layer: {}, issues: [{ path: where, message: 'must be a JSON object' }] };
  }
  const layer: Layer = {};
  const issues: ConfigIssue[] = [];
  const take = (key: string, value: unknown) => {
    if (value === undefined) return;
    if ((SETTING_KEYS as string[]).includes(key)) layer[key as SettingKey] = value;
    else issues.push({ path: key, message: `unknown setting (${where})` });
  };
  for (const [key, value] of Object.entries(input)) {
    if (key === GROUP && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [inner, innerValue] of Object.entries(value)) take(`${GROUP}.${inner}`, innerValue);
    } else if (key.startsWith('$')) {
      // "$schema" in gitferry.json is for editors
    } else take(key, value);
  }
  return { layer, issues };
}

/** Reads the table's environment variables; an empty variable counts as not set. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): {
  layer: Layer;
  issues: ConfigIssue[];
} {
  const layer: Layer = {};
  const issues: ConfigIssue[] = [];
  for (const key of SETTING_KEYS) {
    const setting = settingOf(key);
    const text = setting.env === undefined ? undefined : env[setting.env];
    if (setting.env === undefined || text === undefined || text === '') continue;
    try {
      layer[key] = readText(text, setting);
    } catch (error) {
      issues.push({ path: setting.env, message: (error as Error).message });
    }
  }
  if (env.DEBUG === '1' && layer.logLevel === undefined) layer.logLevel = 'debug';
  return { layer, issues };
}

/** Turns a variable's or flag's text into the setting's value. @throws Error naming what is expected */
export function readText(text: string, setting: Setting): unknown {
  switch (setting.form) {
    case 'integer':
      if (!/^-?\d{1,15}$/.test(text)) throw new Error(`must be a whole number, not ${shown(text, setting)}`);
      return Number(text);
    case 'boolean':
      if (/^(1|true|yes|on)$/i.test(text)) return true;
      if (/^(0|false|no|off)$/i.test(text)) return false;
      throw new Error(`must be true or false, not ${shown(text, setting)}`);
    case 'json':
      try {
        return JSON.parse(text);
      } catch (error) {
        // The parser's own message quotes the text, which may hold a token.
        throw new Error('must be valid JSON, for example {"host":"value"}', { cause: error });
      }
    case 'paths':
      return text.split(delimiter).filter((part) => part !== '');
    case 'list':
      return text.split(',').map((part) => part.trim());
    default:
      return text;
  }
}

/** @throws Failure `invalid-config` listing every fault, with `data.issues` */
export function mergeLayers(layers: Layers, found: readonly ConfigIssue[] = []): Loaded {
  const issues = [...found];
  const config: Partial<Record<SettingKey, unknown>> = {};
  const sources = {} as Record<SettingKey, Source>;
  for (const key of SETTING_KEYS) {
    const setting = settingOf(key);
    const source =
      SOURCES.findLast((name) => name !== 'default' && layers[name]?.[key] !== undefined) ?? 'default';
    const value = source === 'default' ? setting.default : layers[source]?.[key];
    sources[key] = source;
    const checked = setting.schema.safeParse(value);
    if (checked.success) config[key] = checked.data;
    else issues.push(...faultsOf(checked.error.issues, key, source, value, setting));
  }
  if (issues.length > 0) throw invalidConfig(issues);
  return { config: config as Config, sources };
}

function faultsOf(
  faults: readonly { message: string; path: readonly PropertyKey[] }[],
  key: SettingKey,
  source: Source,
  value: unknown,
  setting: Setting,
): ConfigIssue[] {
  const name = source === 'environment' && setting.env ? setting.env : key;
  return faults.map((fault) => ({
    path: [name, ...fault.path.map(String)].join('.'),
    message: `${fault.message} (${source}: ${shown(value, setting)})`,
  }));
}

function shown(value: unknown, setting: Setting): string {
  return setting.secret ? 'a secret, not shown' : JSON.stringify(value);
}

export function invalidConfig(issues: readonly ConfigIssue[]): Failure {
  const lines = issues.map((issue) => `  ${issue.path}: ${issue.message}`);
  return new Failure(
    'invalid-config',
    `The configuration has ${issues.length} fault(s):\n${lines.join('\n')}`,
    {
      data: { issues },
    },
  );
}
