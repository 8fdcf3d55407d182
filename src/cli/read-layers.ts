// The settings as a command sees them: file, environment and flags. Saved ones come when the database is open.

import { join, resolve } from 'node:path';
import { type ConfigIssue, type Layer, type Layers, readEnvironment } from '../config/layers.ts';
import { readConfigFile } from '../config/read-file.ts';
import type { Host } from '../host/types.ts';

const FLAGS = { port: 'port', host: 'host', db: 'schedulerOptions.dbPath', logLevel: 'logLevel' } as const;

export type LayerOptions = { config?: string } & Partial<Record<keyof typeof FLAGS, unknown>>;

export async function readLayers(
  host: Host,
  options: LayerOptions,
): Promise<{ layers: Layers; issues: ConfigIssue[] }> {
  const named = options.config;
  const file = await readConfigFile(
    resolve(host.cwd, named ?? join(host.cwd, 'gitferry.json')),
    named !== undefined,
  );
  const environment = readEnvironment(host.env);
  const flag: Layer = {};
  for (const [option, key] of Object.entries(FLAGS)) {
    const value = options[option as keyof typeof FLAGS];
    if (value !== undefined) flag[key] = value;
  }
  return {
    layers: { file: file.layer, environment: environment.layer, flag },
    issues: [...file.issues, ...environment.issues],
  };
}
