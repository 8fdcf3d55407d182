// The configuration while the service runs: what holds, where it came from, and changing it.

import { Failure } from '../model/failure.ts';
import { type ConfigIssue, flatten, invalidConfig, type Layers, type Loaded, mergeLayers } from './layers.ts';
import { type Config, SETTING_KEYS, type SettingKey, settingOf } from './settings.ts';

export type ConfigAccess = {
  /** The values in force now; read it anew each time, live settings change. */
  current(): Config;
  /** Nested as in gitferry.json, secrets masked; and where each value came from. */
  view(): { config: Record<string, unknown>; sources: Record<string, string> };
  /**
   * Checks the patch together with everything else, saves it, applies what can be applied live.
   * `null` for a key takes the saved value back. @throws Failure `invalid-config` with `data.issues`; nothing changed then
   */
  update(patch: unknown): Promise<{ config: Record<string, unknown>; restartRequired: string[] }>;
};

const MASK = '********';

/** `save` stores saved values (null removes one) and resolves when they are durable. */
export function createConfigAccess(input: {
  layers: Layers;
  save(values: Record<string, unknown>): Promise<void>;
  onChange(keys: SettingKey[]): void | Promise<void>;
}): ConfigAccess {
  let layers = input.layers;
  let loaded: Loaded = mergeLayers(layers);
  // Values a restart is needed for stay as they were when the process began.
  let inForce: Config = loaded.config;
  return {
    current: () => inForce,
    view: () => view(loaded),
    async update(patch) {
      const { layer, issues } = flatten(patch, 'PUT /api/sync/config');
      const keys = Object.keys(layer) as SettingKey[];
      const faults = [...issues, ...keys.flatMap(refuseUnsavable)];
      if (faults.length > 0) throw invalidConfig(faults);
      const saved = { ...layers.saved, ...layer };
      for (const key of keys) if (layer[key] === null) delete saved[key];
      const next = { ...layers, saved };
      const merged = mergeLayers(next);
      await input.save(layer as Record<string, unknown>);
      layers = next;
      loaded = merged;
      inForce = { ...inForce, ...liveValues(loaded.config, keys) };
      const restartRequired = keys.filter((key) => settingOf(key).applies === 'restart');
      await input.onChange(keys);
      return { config: view(loaded).config, restartRequired };
    },
  };
}

function refuseUnsavable(key: SettingKey): ConfigIssue[] {
  const { applies, env } = settingOf(key);
  if (applies !== 'start-only') return [];
  return [{ path: key, message: `is set at start only: by ${env}, a flag or gitferry.json` }];
}

function liveValues(config: Config, keys: readonly SettingKey[]): Partial<Config> {
  const live = keys.filter((key) => settingOf(key).applies === 'live');
  return Object.fromEntries(live.map((key) => [key, config[key]])) as Partial<Config>;
}

function view(loaded: Loaded): ReturnType<ConfigAccess['view']> {
  const config: Record<string, unknown> = {};
  for (const key of SETTING_KEYS) put(config, key, masked(key, loaded.config[key]));
  return { config, sources: { ...loaded.sources } };
}

function masked(key: SettingKey, value: unknown): unknown {
  if (!settingOf(key).secret || value === null) return value;
  if (typeof value === 'object') return Object.fromEntries(Object.keys(value).map((name) => [name, MASK]));
  return MASK;
}

function put(target: Record<string, unknown>, key: string, value: unknown): void {
  const dot = key.indexOf('.');
  if (dot < 0) {
    target[key] = value;
    return;
  }
  const group = key.slice(0, dot);
  const inner = (target[group] ?? {}) as Record<string, unknown>;
  inner[key.slice(dot + 1)] = value;
  target[group] = inner;
}

/** Loopback addresses need no token; any other refuses to start without one. @throws Failure `unsafe-bind` */
export function checkBind(config: Pick<Config, 'host' | 'apiToken'>): void {
  if (isLoopbackHost(config.host) || config.apiToken !== null) return;
  throw new Failure(
    'unsafe-bind',
    `Listening on ${config.host} would let others control the service without a token.`,
  );
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
