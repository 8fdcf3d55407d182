// `gitferry restore`: brings files back from a snapshot. A snapshot of now comes first.

import { relative, resolve, sep } from 'node:path';
import type { Command } from 'commander';
import type { Host } from '../host/types.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, ask, asking } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { whichProject } from './reach/which-project.ts';
import { count } from './terminal/words.ts';

type Options = ReachOptions & { all?: boolean };

export function addRestoreCommand(program: Command, { host, does }: Cli): void {
  const restoring = asking(program.command('restore'))
    .description('Bring files back from a snapshot; a snapshot of now comes first.')
    .argument('<project>', 'its id or folder')
    .argument('<snapshot>', 'the id, as `snapshots` lists them')
    .argument('[path...]', 'files or folders from the top of the project, or from this folder inside of it')
    .option('--all', 'everything, instead of paths');
  restoring.action(
    does((project: string, snapshot: string, paths: string[], options: Options) => {
      if (paths.length > 0 === Boolean(options.all))
        restoring.error('error: name paths, or --all for everything');
      return ask(host, options, (asked) => restore(asked, project, { snapshot, paths }));
    }),
  );
}

async function restore(
  asked: Asked,
  text: string,
  { snapshot, paths }: { snapshot: string; paths: readonly string[] },
): Promise<ExitCode> {
  const { client, host, output } = asked;
  const { projectId, path } = await whichProject(text, asked);
  output.progress.show({ phase: 'Restoring', detail: projectId });
  const named = paths.map((each) => fromTop(each, path, host));
  const answer = await client.restore(projectId, { snapshot, ...(named.length > 0 && { paths: named }) });
  output.progress.clear();
  output.document(answer);
  for (const restored of answer.restored) output.line(`restored ${restored}`);
  for (const { path: skipped, reason } of answer.skipped)
    output.line(`stayed as it is: ${skipped} (${reason})`);
  output.line(`${count(answer.restored.length, 'file')} restored. Before: snapshot ${answer.before}.`);
  return answer.skipped.length === 0 ? EXIT.done : EXIT.needsYou;
}

/** Where the person stands inside of the project, paths are meant from there, as git takes them. */
function fromTop(path: string, top: string, host: Host): string {
  const here = relative(top, host.cwd);
  const isInside = here !== '' && here !== '..' && !here.startsWith(`..${sep}`);
  const whole = resolve(isInside ? host.cwd : top, path);
  return relative(top, whole).split(sep).join('/');
}
