// `gitferry config`: the settings of the service, or of one project with --project.

import type { Command } from 'commander';
import { readText } from '../config/layers.ts';
import { SETTING_KEYS, type SettingKey, settingOf } from '../config/settings.ts';
import { Failure } from '../model/failure.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, ask, asking, look } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { whichProject } from './reach/which-project.ts';

type Options = ReachOptions & { project?: string };
type Values = Record<string, unknown>;

export function addConfigCommand(program: Command, { host, does }: Cli): void {
  const config = program.command('config').description('The settings of the service, or of one project.');
  const about = (command: Command) =>
    asking(command).option(
      '--project <project>',
      'of this project: its id or folder; keys as in its `github`',
    );
  about(config.command('list'))
    .description('List all settings, with where each came from.')
    .action(does((options: Options) => look(host, options, (asked) => list(asked, options))));
  about(config.command('get'))
    .description('Print one setting.')
    .argument('<key>', 'for example port, or schedulerOptions.scanInterval')
    .action(
      does((key: string, options: Options) => look(host, options, (asked) => get(asked, key, options))),
    );
  about(config.command('set'))
    .description('Change one setting; it is checked together with all others.')
    .argument('<key>', 'for example schedulerOptions.scanInterval')
    .argument('<value>', 'as its environment variable is written; of a project as JSON or text')
    .action(
      does((key: string, value: string, options: Options) =>
        ask(host, options, (asked) => change(asked, key, value, options)),
      ),
    );
  about(config.command('unset'))
    .description('Take one setting back.')
    .argument('<key>', 'as `config list` shows it')
    .action(
      does((key: string, options: Options) =>
        ask(host, options, (asked) => change(asked, key, null, options)),
      ),
    );
}

async function list(asked: Asked, { project }: Options): Promise<ExitCode> {
  const { client, output } = asked;
  if (project !== undefined) {
    const { settings } = (await whichProject(project, asked)).github;
    output.document({ success: true, settings });
    output.table(
      ['KEY', 'VALUE'],
      leaves(settings).map(([key, value]) => [key, shown(value)]),
    );
    return EXIT.done;
  }
  const answer = await client.config();
  output.document(answer);
  const rows = SETTING_KEYS.map((key) => [
    key,
    shown(valueAt(answer.config, key)),
    answer.sources[key] ?? '',
  ]);
  output.table(['KEY', 'VALUE', 'FROM'], rows);
  return EXIT.done;
}

async function get(asked: Asked, key: string, { project }: Options): Promise<ExitCode> {
  const { client, output } = asked;
  const values: Values =
    project === undefined
      ? (await client.config()).config
      : ((await whichProject(project, asked)).github.settings as Values);
  if (project === undefined) settingKey(key);
  const value = valueAt(values, key) ?? null;
  output.document({ success: true, key, value });
  output.line(typeof value === 'string' ? value : JSON.stringify(value));
  return EXIT.done;
}

/** `text` null takes the value back. */
async function change(asked: Asked, key: string, text: string | null, options: Options): Promise<ExitCode> {
  const { client, output } = asked;
  if (options.project !== undefined) {
    const { projectId } = await whichProject(options.project, asked);
    const github = nested(key.replace(/^github\./, ''), text === null ? null : jsonOrText(text));
    output.document(await client.updateProject(projectId, { github }));
    output.line(`${projectId}: ${key} is ${text === null ? 'taken back' : 'set'}.`);
    return EXIT.done;
  }
  const value = text === null ? null : readValue(settingKey(key), text);
  const answer = await client.updateConfig(nested(key, value));
  output.document(answer);
  output.line(`${key}: ${shown(valueAt(answer.config, key))}`);
  if (answer.restartRequired.length > 0) output.line('It applies at the next start of the service.');
  return EXIT.done;
}

/** @throws Failure `invalid-request` */
function settingKey(key: string): SettingKey {
  const found = SETTING_KEYS.find((each) => each === key);
  if (found !== undefined) return found;
  throw new Failure('invalid-request', `"${key}" is no setting.`, { action: 'See `gitferry config list`.' });
}

/** @throws Failure `invalid-request` */
function readValue(key: SettingKey, text: string): unknown {
  try {
    return readText(text, settingOf(key));
  } catch (error) {
    throw new Failure('invalid-request', `${key} ${(error as Error).message}.`);
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // a word needs no quotes
  }
}

function nested(key: string, value: unknown): Values {
  return key.split('.').reduceRight<unknown>((inner, part) => ({ [part]: inner }), value) as Values;
}

function valueAt(values: Values, key: string): unknown {
  return key.split('.').reduce<unknown>((at, part) => (at as Values | undefined)?.[part], values);
}

function leaves(values: Values, before = ''): [string, unknown][] {
  return Object.entries(values).flatMap(([key, value]): [string, unknown][] => {
    const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isGroup ? leaves(value as Values, `${before}${key}.`) : [[before + key, value]];
  });
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null));
