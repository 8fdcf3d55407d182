// Before any test: the page as its source is now, so that tests never meet an old one, nor none.

import { buildPage } from '../../scripts/build-page.ts';

export async function setup(): Promise<void> {
  await buildPage();
}
