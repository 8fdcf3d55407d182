// `gitferry log`: what happened, event by event; with -f as it happens.

import type { Command } from 'commander';
import type { Client, FeedEvent } from '../client/index.ts';
import { wholeNumber } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, ask, asking, look } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { whichProject } from './reach/which-project.ts';
import { harmless } from './terminal/style.ts';
import { timeInWords } from './terminal/words.ts';
import { untilStopped } from './until-stopped.ts';

type Options = ReachOptions & { follow?: boolean; lines: number; types?: string };
type Shown = Pick<FeedEvent, 'at' | 'projectId' | 'data'> & { type: string };

const BATCH = 500;

export function addLogCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('log'))
    .description('Print what happened, event by event; with --json one a line.')
    .argument('[project]', 'of this project alone: its id or folder')
    .option('-f, --follow', 'go on as it happens, until Ctrl-C')
    .option('-n, --lines <number>', 'how many of the past', wholeNumber, 50)
    .option('--types <types>', 'only these, for example run.*,project.state')
    .action(
      does((project: string | undefined, options: Options) =>
        (options.follow ? ask : look)(host, options, (asked) => log(asked, project, options)),
      ),
    );
}

async function log(asked: Asked, text: string | undefined, options: Options): Promise<ExitCode> {
  const { client, host, output } = asked;
  // From the first line on: Ctrl-C is an end, and no failure.
  const signal = options.follow ? untilStopped(host) : null;
  const only = text === undefined ? null : (await whichProject(text, asked)).projectId;
  const types = options.types?.split(',').map((type) => type.trim());
  const print = (event: Shown) => {
    output.document(event, true);
    output.line(lineOf(event, (words) => output.paint('dim', words)));
  };
  const isWanted = ({ projectId }: { projectId?: string | null }) => only === null || projectId === only;
  const { past, latest } = await readPast(client, { count: options.lines, types, isWanted });
  for (const event of past) print(event);
  if (signal === null) return EXIT.done;
  for await (const event of client.events({ since: latest, signal, ...(types && { types }) }))
    if (isWanted(event)) print(event);
  return EXIT.done;
}

type PastQuery = {
  count: number;
  types: string[] | undefined;
  isWanted(event: { projectId?: string | null }): boolean;
};

/** The last events that are wanted, oldest first. Goes back in growing steps: most are asked for without a filter. */
async function readPast(client: Client, { count, types, isWanted }: PastQuery) {
  const { nextSince: latest } = await client.pollEvents({ timeoutMs: 0 });
  const past: Shown[] = [];
  for (let end = latest, step = Math.max(BATCH, count); end > 0 && past.length < count; step *= 4) {
    const begin = Math.max(0, end - step);
    const found: Shown[] = [];
    for (let at = begin; at < end; ) {
      const page = await client.pollEvents({
        since: at,
        limit: BATCH,
        timeoutMs: 0,
        ...(types && { types }),
      });
      // Older events are not kept: a reset says so, and there is nothing before.
      const events = page.events.filter(({ type, id }) => type !== 'reset' && id <= end);
      found.push(...events.filter(isWanted));
      if (page.nextSince <= at) break;
      at = page.nextSince;
    }
    past.unshift(...found);
    end = begin;
  }
  return { past: count === 0 ? [] : past.slice(-count), latest };
}

/** `2026-01-31 12:00:00  blog  run.finished  status=success durationMs=61` */
function lineOf({ at, type, projectId, data }: Shown, dim: (text: string) => string): string {
  const facts = Object.entries(data).flatMap(([key, value]) => {
    if (value === null || typeof value !== 'object') return value === null ? [] : [`${key}=${String(value)}`];
    // Why a project or a job stands where it stands.
    return 'code' in value ? [`${key}=${String(value.code)}`] : [];
  });
  const words = [projectId ?? '', type, ...facts].filter((word) => word !== '').join('  ');
  return `${dim(timeInWords(at))}  ${harmless(words).replaceAll('\n', ' ')}`;
}
