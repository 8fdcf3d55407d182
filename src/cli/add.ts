// `gitferry add`: naming a folder is consent to commit and push it from then on.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Client } from '../client/index.ts';
import { oneOf } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { describeProject } from './project-lines.ts';
import { type Asked, ask, asking } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { count, sizeInWords } from './terminal/words.ts';

const MODES = ['commit', 'push', 'snapshot'] as const;
type Options = ReachOptions & {
  name?: string;
  mode?: (typeof MODES)[number];
  remote?: string;
  init?: boolean;
  create?: boolean;
  public?: boolean;
  dryRun?: boolean;
};

export function addAddCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('add'))
    .description('Add a git work tree: from then on it is committed and pushed.')
    .argument('[path]', 'the work tree (default: this folder)', '.')
    .option('--name <name>', 'what to call it (default: the name of the folder)')
    .option(
      '--mode <mode>',
      'commit (default), push what you commit, or snapshot beside the branch',
      oneOf(MODES),
    )
    .option('--remote <url>', 'where to push (default: the remote that git knows)')
    .option('--init', 'make a git repository of the folder first')
    .option('--create', 'make its repository on GitHub, private')
    .option('--public', 'with --create: for everybody to see')
    .option('--dry-run', 'say what would be uploaded and what held back; change nothing')
    .action(
      does((path: string, options: Options) =>
        ask(host, options, (asked) =>
          (options.dryRun ? preview : add)(asked, resolve(host.cwd, path), options),
        ),
      ),
    );
}

function settingsOf({ mode, remote }: Options) {
  const github = { ...(mode && { mode }), ...(remote && { remoteUrl: remote }) };
  return Object.keys(github).length > 0 ? { github } : {};
}

async function add({ client, host, output }: Asked, path: string, options: Options): Promise<ExitCode> {
  const { name, init, create } = options;
  output.progress.show({ phase: create ? 'Making the repository' : 'Adding', detail: path });
  const answer = await client.addProject({
    path,
    ...(name && { projectName: name }),
    ...(init && { init }),
    ...(create && { create: { private: !options.public } }),
    ...settingsOf(options),
  });
  // What it already holds would be found by the next scan only.
  await client.triggerProject(answer.project.projectId, { immediate: true });
  output.progress.clear();
  output.document(answer);
  for (const line of describeProject(answer.project, host.clock.now(), output.paint)) output.line(line);
  return EXIT.done;
}

type Upload = Awaited<ReturnType<Client['previewProject']>>['upload'];

async function preview({ client, output }: Asked, path: string, options: Options): Promise<ExitCode> {
  output.progress.show({ phase: 'Looking', detail: path });
  const answer = await client.previewProject({ path, ...settingsOf(options) });
  output.progress.clear();
  output.document(answer);
  const { upload } = answer;
  if (!upload.isRepository) output.line('It is no git repository: add it with --init.');
  const where = upload.remoteUrl ?? 'no remote yet';
  output.line(`Would be uploaded (${where}): ${count(upload.files, 'file')}, ${sizeInWords(upload.bytes)}.`);
  for (const file of upload.sample) output.line(`  ${file}`);
  for (const line of heldLines(upload)) output.line(line);
  output.line('Nothing was changed.');
  return EXIT.done;
}

/** What is held in the work tree stays there alone; what is held in a commit keeps the whole branch here. */
function heldLines({ held, heldCount }: Upload): string[] {
  const named = (files: Upload['held']) =>
    files.map(({ path, reason, rule }) => `  ${path} (${reason}: ${rule})`);
  const committed = held.filter(({ commit }) => commit !== null);
  const loose = held.filter(({ commit }) => commit === null);
  const more = heldCount - held.length;
  return [
    ...(loose.length > 0 ? [`Would stay here: ${count(loose.length, 'file')}.`, ...named(loose)] : []),
    ...(committed.length > 0
      ? [
          `In your commits, which would wait for your word: ${count(committed.length, 'file')}.`,
          ...named(committed),
        ]
      : []),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}
