// Before any test: the page and the program as their sources are now, so that tests never meet old ones, nor none.

import { buildPage } from '../../scripts/build-page.ts';
import { buildSources } from './built-sources.ts';

export async function setup(): Promise<void> {
  await buildPage();
  await buildSources();
}
