// Attributes that come in with a branch may ask for conversions of contents that this engine does not do: then the
// files must not be written by it.

import { Failure } from '../../model/failure.ts';
import type { GitConfig } from '../config/config-values.ts';
import type { TreeDifference } from '../objects/trees.ts';
import { displayPath } from '../paths.ts';
import { inText } from '../probe/probe-attributes.ts';
import type { ObjectStore } from '../types.ts';

/** @throws Failure `needs-system-git` */
export async function refuseConversions(
  objects: ObjectStore,
  differences: readonly TreeDifference[],
  config: GitConfig,
): Promise<void> {
  for (const { path, after } of differences) {
    if (after === null || !/(?:^|\/)\.gitattributes$/.test(path)) continue;
    const { content } = await objects.read(after.oid);
    const found = inText(content.toString('utf8'), displayPath(path), config);
    if (found !== null) throw new Failure('needs-system-git', `On the remote, ${found}.`);
  }
}
