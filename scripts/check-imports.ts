// Checks the direction of imports (.dependency-cruiser.cjs). Fails also when the checker saw too little: with a
// TypeScript that it does not know, dependency-cruiser finds no imports and so no faults.

import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser';

export type ImportReport = {
  /** Source files that were read, and imports between any files. */
  modules: number;
  imports: number;
  /** `from → to: rule (what is allowed)`. */
  faults: string[];
};

const FOLDERS = ['src', 'test', 'scripts'];
const RULES = fileURLToPath(new URL('../.dependency-cruiser.cjs', import.meta.url));

/** Checks the work tree at `root`, an absolute path with a folder src. */
export async function checkImports(root: string): Promise<ImportReport> {
  const { forbidden, options } = createRequire(import.meta.url)(RULES);
  const sources = FOLDERS.flatMap((folder) => listSources(root, folder));
  const cruiseOptions: ICruiseOptions = { ...options, baseDir: root, ruleSet: { forbidden }, validate: true };
  const folders = FOLDERS.filter((folder) => sources.some((source) => source.startsWith(`${folder}/`)));
  const { output } = await cruise(folders, cruiseOptions);
  const { modules, summary } = output as ICruiseResult;
  const read = new Set(modules.map((module) => module.source));
  const unread = sources.filter((source) => !read.has(source));
  const known = modules.filter((module) => sources.includes(module.source));
  const imports = known.reduce((sum, module) => sum + module.dependencies.length, 0);
  const comments = new Map(
    forbidden.map((rule: { name: string; comment: string }) => [rule.name, rule.comment]),
  );
  return {
    modules: known.length,
    imports,
    faults: [
      ...summary.violations.map(
        ({ from, to, rule }) => `${from} → ${to}: ${rule.name} (${comments.get(rule.name)})`,
      ),
      ...unread.map((source) => `${source}: was not read, so its imports are unknown`),
      // Nearly every file imports something; none at all means that the parser failed without a word.
      ...(known.length >= 3 && imports < known.length
        ? [`only ${imports} imports in ${known.length} files`]
        : []),
    ],
  };
}

function listSources(root: string, folder: string): string[] {
  const entries = readdirSync(root).includes(folder)
    ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    : [];
  return entries
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = await checkImports(fileURLToPath(new URL('..', import.meta.url)));
  for (const fault of report.faults) console.error(fault);
  console.log(`${report.modules} files, ${report.imports} imports, ${report.faults.length} faults`);
  process.exitCode = report.faults.length === 0 ? 0 : 1;
}
