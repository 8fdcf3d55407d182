// Before any test: the page and the program as their sources are now, so that tests never meet old ones, nor none.

import { buildPage } from '../../scripts/build-page.ts';
import { buildSources } from './built-sources.ts';
import { createTempFolder, RUNTIME, runToEnd } from './service.ts';

export async function setup(): Promise<() => Promise<void>> {
  // Which services a person has had here is no concern of a test.
  const state = await createTempFolder();
  process.env.XDG_STATE_HOME = state.path;
  await buildPage();
  await buildSources();
  if (RUNTIME === 'deno') await warmUp();
  return state.remove;
}

/** Deno keeps what it made of the sources. Several services that do so for the first time at once take long to start. */
async function warmUp(): Promise<void> {
  const folder = await createTempFolder();
  // That it is no repository is found after everything is loaded.
  const { code, err } = await runToEnd({ dataDir: folder.path, folders: [folder.path] });
  if (code !== 1 || !err.includes('not-a-repository')) throw new Error(`It does not start on Deno:\n${err}`);
  await folder.remove();
}
