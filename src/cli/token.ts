// `gitferry token`: who else may call the API, and as what. A secret is shown once, when it is made.

import type { Command } from 'commander';
import { everyPage } from '../client/index.ts';
import { ROLES, type Role } from '../model/caller.ts';
import { Failure } from '../model/failure.ts';
import { duration, oneOf } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, ask, asking, look } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { ageInWords, timeInWords } from './terminal/words.ts';

type AddOptions = ReachOptions & { role: Role; expires?: number };

export function addTokenCommand(program: Command, { host, does }: Cli): void {
  const token = program.command('token').description('Who else may call the API, and as what.');
  asking(token.command('add'))
    .description('Make a token for a person or a program; its secret is shown once.')
    .argument('<name>', 'of the person or program')
    .option(
      '--role <role>',
      'viewer reads, operator also syncs and restores, admin does all',
      oneOf(ROLES),
      'viewer',
    )
    .option('--expires <time>', 'for so long: 12h, 90d (default: until it is revoked)', duration)
    .action(
      does((name: string, options: AddOptions) => ask(host, options, (asked) => add(asked, name, options))),
    );
  asking(token.command('list'))
    .description('List the tokens, never their secrets.')
    .action(does((options: ReachOptions) => look(host, options, list)));
  asking(token.command('revoke'))
    .description('Revoke a token at once; feeds that its holder has open end.')
    .argument('<token>', 'its id or name')
    .action(
      does((text: string, options: ReachOptions) => ask(host, options, (asked) => revoke(asked, text))),
    );
}

async function add({ client, host, output }: Asked, name: string, options: AddOptions): Promise<ExitCode> {
  const { role, expires } = options;
  const end = expires === undefined ? null : new Date(host.clock.now() + expires).toISOString();
  const answer = await client.addToken({ name, role, ...(end && { expiresAt: end }) });
  output.document(answer);
  output.line(`${name} (${role}), id ${answer.token.tokenId}. The secret, shown this once:`);
  output.line(answer.secret);
  return EXIT.done;
}

async function everyToken({ client }: Asked) {
  const tokens = [];
  for await (const page of everyPage((cursor) => client.tokens({ limit: 500, ...(cursor && { cursor }) })))
    tokens.push(...page.tokens);
  return tokens;
}

async function list(asked: Asked): Promise<ExitCode> {
  const { host, output } = asked;
  const tokens = await everyToken(asked);
  output.document({ success: true, tokens });
  const rows = tokens.map(({ tokenId, name, role, createdAt, createdBy, expiresAt, lastUsedAt }) => [
    ...[name, role, tokenId, `${timeInWords(createdAt)} by ${createdBy}`],
    expiresAt === null ? 'never' : timeInWords(expiresAt),
    ageInWords(lastUsedAt, host.clock.now()),
  ]);
  output.table(['NAME', 'ROLE', 'ID', 'MADE', 'EXPIRES', 'LAST USED'], rows);
  if (rows.length === 0) output.line('There is no token.');
  return EXIT.done;
}

async function revoke(asked: Asked, text: string): Promise<ExitCode> {
  const { client, output } = asked;
  const found = (await everyToken(asked)).filter(({ tokenId, name }) => tokenId === text || name === text);
  const [one] = found;
  if (one === undefined || found.length > 1) {
    const detail = one === undefined ? `"${text}" is no token.` : `Several tokens are called "${text}".`;
    throw new Failure('invalid-request', detail, { action: 'Name it by its id: `gitferry token list`.' });
  }
  output.document(await client.revokeToken(one.tokenId));
  output.line(`${one.name} (${one.role}) is revoked.`);
  return EXIT.done;
}
