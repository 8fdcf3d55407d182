// What `.gitattributes` say about merging. A file that they may mean is never merged line by line here: how git would
// do it (`-merge`, `binary`, `union`, a driver of the person's own) is theirs to decide.

import type { TreeFile } from '../objects/trees.ts';
import { FILE_MODE, type ObjectStore } from '../types.ts';

const NAME = '.gitattributes';
/** Also within a macro's definition, so that every name for it is found where it is made. */
const ABOUT_MERGING = /\s[-!]?(?:merge|binary)(?:=\S*)?(?=\s|$)/;

/** Answers whether attributes above a path, in one of the trees or in `texts`, speak of merging. */
export type KeepsWhole = (path: string) => Promise<boolean>;

/** Patterns are not looked at: being too careful costs only a question to the person. */
export function keptWholeBy(
  objects: ObjectStore,
  trees: readonly string[],
  texts: readonly string[],
): KeepsWhole {
  const known = new Map<string, Promise<boolean>>();
  const inFolder = (tree: string): Promise<boolean> => {
    const found = known.get(tree) ?? speaksIn(objects, tree);
    known.set(tree, found);
    return found;
  };
  return async (path) => {
    if (texts.some(speaksOfMerging)) return true;
    for (const root of trees) {
      let folder: TreeFile | undefined = { mode: FILE_MODE.tree, oid: root };
      for (const name of path.split('/')) {
        if (folder?.mode !== FILE_MODE.tree) break;
        if (await inFolder(folder.oid)) return true;
        folder = (await objects.readTree(folder.oid)).find((entry) => entry.name === name);
      }
    }
    return false;
  };
}

async function speaksIn(objects: ObjectStore, tree: string): Promise<boolean> {
  const entry = (await objects.readTree(tree)).find(({ name }) => name === NAME);
  if (entry === undefined || entry.mode === FILE_MODE.tree || entry.mode === FILE_MODE.submodule)
    return false;
  return speaksOfMerging((await objects.read(entry.oid)).content.toString('latin1'));
}

function speaksOfMerging(text: string): boolean {
  return text.split('\n').some((line) => !line.trimStart().startsWith('#') && ABOUT_MERGING.test(line));
}
