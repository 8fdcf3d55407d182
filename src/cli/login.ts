// `gitferry login` and `gitferry logout`: a token for a host, by a code that is confirmed in a browser or from standard
// input, kept in the keyring or, where there is none, in a file for its owner alone. It is printed nowhere.

import type { Command } from 'commander';
import { mergeLayers } from '../config/layers.ts';
import type { Account } from '../github/account.ts';
import { type DeviceCode, loginByDevice } from '../github/device-login.ts';
import { apiUrlFor, type CredentialPlaces, openCredentials } from '../github/open-credentials.ts';
import { createPace } from '../github/pace.ts';
import { createGithubClient } from '../github/rest-client.ts';
import { createLog } from '../host/log.ts';
import type { Host } from '../host/types.ts';
import { credentialKey } from '../model/credential-key.ts';
import { Failure } from '../model/failure.ts';
import { VERSION } from '../version.ts';
import { oneOf } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { readLayers } from './read-layers.ts';
import { createOutput, type Output } from './terminal/output.ts';

const KEEPERS = ['keyring', 'file'] as const;
type Keeper = (typeof KEEPERS)[number];
type Options = { json?: boolean; config?: string; host: string; name?: string };
type LoginOptions = Options & { clientId?: string; scopes: string; withToken?: boolean; keep?: Keeper };
type Got = Awaited<ReturnType<typeof loginByDevice>>;

const USER_AGENT = `gitferry/${VERSION}`;
const LONGEST_TOKEN = 4_000;

export function addLoginCommand(program: Command, { host, does }: Cli): void {
  shared(program.command('login'))
    .description(
      'Get a token for a host and keep it: by a code to confirm in a browser, or from standard input.',
    )
    .option('--with-token', 'read the token from standard input')
    .option('--client-id <id>', 'of the OAuth or GitHub App to log in with (or SYNC_OAUTH_CLIENT_IDS)')
    .option('--scopes <list>', 'rights to ask for, with commas between', 'repo,workflow')
    .option('--keep <place>', 'keyring or file (default: the keyring, where there is one)', oneOf(KEEPERS))
    .action(does((options: LoginOptions) => login(host, options)));
}

export function addLogoutCommand(program: Command, { host, does }: Cli): void {
  shared(program.command('logout'))
    .description('Forget a token that login kept.')
    .action(does((options: Options) => logout(host, options)));
}

function shared(command: Command): Command {
  return command
    .option('--host <host>', 'the git host', 'github.com')
    .option(
      '--name <name>',
      'for one of several accounts there; projects name it in github.authentication.credential',
    )
    .option('--config <file>', 'settings file (default: gitferry.json, if it exists)')
    .option('--json', 'print JSON');
}

type Opened = CredentialPlaces & { key: string; apiUrl: string | null; clientId: string | undefined };

/** @throws Failure `invalid-config`, `invalid-request` */
async function open(host: Host, options: Options): Promise<Opened> {
  const { layers, issues } = await readLayers(
    host,
    options.config === undefined ? {} : { config: options.config },
  );
  const { config } = mergeLayers(layers, issues);
  const key = credentialKey(options.host, options.name);
  if (key === null || /[\s/]/.test(key)) {
    throw new Failure('invalid-request', `${options.name ?? ''}@${options.host} is no credential's name.`, {
      action: 'Give a host like github.com, and a name of letters, digits, ".", "-" and "_".',
    });
  }
  const { pid, env, homeDir, clock } = host;
  const log = createLog(config.logLevel);
  const settings = () => config;
  const places = openCredentials({ pid, env, homeDir, clock, log, settings, userAgent: USER_AGENT });
  const gitHost = options.host.toLowerCase();
  return { ...places, key, apiUrl: apiUrlFor(config, gitHost), clientId: config.oauthClientIds[gitHost] };
}

async function login(host: Host, options: LoginOptions): Promise<ExitCode> {
  const output = createOutput(host, options);
  const opened = await open(host, options);
  const got: Got = options.withToken
    ? { token: await readToken(host) }
    : await byDevice(host, options, opened, output);
  const account = await check(host, options, got.token, opened);
  const keeper = options.keep ?? ((await opened.keyring()) === null ? 'file' : 'keyring');
  const { key, stored } = opened;
  const { token, renewal } = got;
  const expiresAt = account?.expiresAt ?? got.expiresAt ?? null;
  const login = account?.login ?? null;
  const known = { token, login, ...(expiresAt !== null && { expiresAt }), ...(renewal && { renewal }) };
  await stored.put(key, known, keeper);
  const scopes = account?.scopes ?? null;
  const renewedUntil = isoOrNull(renewal?.endsAt ?? null);
  output.document({
    ...{ success: true, key, login, scopes, keeper, expiresAt: isoOrNull(expiresAt) },
    ...(renewal && { renewedUntil }),
  });
  const who = login === null ? '' : ` as ${login}`;
  output.line(`Logged in to ${key}${who}; the token is kept in the ${keeper}.`);
  if (renewal) {
    const until = renewedUntil === null ? '' : ` until ${renewedUntil.slice(0, 10)}`;
    output.line(`It ends in hours and is renewed by itself${until}; then log in again.`);
  }
  for (const warning of warnings(account, keeper, opened)) output.line(output.paint('yellow', warning));
  output.line('Projects that waited for it go on with `gitferry sync`.');
  return EXIT.done;
}

function warnings(account: Account | null, keeper: Keeper, { apiUrl }: Opened): string[] {
  const all: string[] = [];
  if (apiUrl === null)
    all.push('The host has no API that is known: whether it takes the token, the first push tells.');
  if (keeper === 'file') all.push('It is not encrypted there; only your user may read the file.');
  const { scopes = null } = account ?? {};
  if (scopes !== null && !scopes.includes('repo') && !scopes.includes('public_repo'))
    all.push('It lacks the scope "repo": pushes will be refused.');
  return all;
}

const isoOrNull = (at: number | null) => (at === null ? null : new Date(at).toISOString());

/** @throws Failure `invalid-request` */
async function readToken(host: Host): Promise<string> {
  const token = (await host.readInput()).trim();
  if (/^[\x21-\x7e]+$/.test(token) && token.length <= LONGEST_TOKEN) return token;
  throw new Failure('invalid-request', 'Standard input holds no token, or more than one line.', {
    action: 'Pipe the token in: `gitferry login --with-token < file`.',
  });
}

/** @throws Failure `client-id-missing`, `no-github-api`, `login-failed` */
async function byDevice(host: Host, options: LoginOptions, opened: Opened, output: Output): Promise<Got> {
  const { apiUrl } = opened;
  if (apiUrl === null) {
    throw new Failure('no-github-api', `${options.host} has no GitHub API that is known here.`, {
      action: 'Make a token there and give it: `gitferry login --with-token`.',
    });
  }
  const clientId = options.clientId ?? opened.clientId;
  if (clientId === undefined) {
    throw new Failure('client-id-missing', `No client id for ${options.host} is known.`);
  }
  // Where a program reads the answer, a person must still see the code.
  const tell = (line: string) => (output.json ? host.writeError(`${line}\n`) : output.line(line));
  return loginByDevice({
    ...{ host: options.host, apiUrl, clientId, userAgent: USER_AGENT, clock: host.clock },
    scopes: options.scopes.split(',').map((scope) => scope.trim()),
    onCode({ userCode, verificationUri, expiresInMs }: DeviceCode) {
      tell(`Open ${verificationUri} and enter the code ${userCode}`);
      tell(`It is good for ${Math.round(expiresInMs / 60_000)} minutes. Waiting…`);
    },
  });
}

/** Null where there is no API to ask. @throws Failure `credential-rejected` and others: then nothing is kept */
async function check(host: Host, options: Options, token: string, opened: Opened): Promise<Account | null> {
  const { clock } = host;
  const client = createGithubClient({
    apiUrlFor: () => opened.apiUrl,
    tokenFor: async () => ({ key: opened.key, token }),
    userAgent: USER_AGENT,
    ...{ clock, pace: createPace({ clock }), log: { debug: () => {} } },
  });
  return client.readAccount({ host: options.host, isApp: false });
}

async function logout(host: Host, options: Options): Promise<ExitCode> {
  const output = createOutput(host, options);
  const { key, stored } = await open(host, options);
  const removed = await stored.remove(key);
  output.document({ success: true, key, removed });
  output.line(
    removed
      ? `The token for ${key} is forgotten here. It stays good until it is revoked on the host.`
      : `Nothing is kept for ${key}.`,
  );
  return EXIT.done;
}
