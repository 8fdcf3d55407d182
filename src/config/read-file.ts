// gitferry.json: the settings file beside which the service is started, or the one named by --config.

import { readFile } from 'node:fs/promises';
import { type ConfigIssue, flatten, type Layer } from './layers.ts';

/** A missing file is no fault unless it was named. */
export async function readConfigFile(
  path: string,
  named: boolean,
): Promise<{ layer: Layer; issues: ConfigIssue[] }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !named) return { layer: {}, issues: [] };
    return { layer: {}, issues: [{ path, message: `cannot be read (${code ?? String(error)})` }] };
  }
  try {
    return flatten(JSON.parse(text.replace(/^\uFEFF/, '')), path);
  } catch (error) {
    return { layer: {}, issues: [{ path, message: `is not valid JSON: ${(error as Error).message}` }] };
  }
}
