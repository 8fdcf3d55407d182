// What the next commit says: the project's template, or what a program of the project's choice makes of the files.
// A program is run only where the person allowed it on this machine: project.json travels with clones.

import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { type Reason, reasonOf } from '../../model/failure.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import { displayPath } from '../paths.ts';
import { commitMessage, type MessageInput, oneLine, withTrailer } from './commit-message.ts';
import { runMessageCommand } from './message-command.ts';

type ComposeInput = MessageInput & {
  worktree: string;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Longest time of a command; default 10 s. */
  limitMs?: number;
};

/** Why nothing may be committed because of `github.commit.message`; null: it may. */
export function refuseMessage(config: GithubConfig['commit'], allowCommands: boolean): Reason | null {
  const command = commandOf(config);
  if (command === null || allowCommands) return null;
  return reasonOf(
    'message-command-not-allowed',
    `The commit message is to come from the command ${JSON.stringify(command.join(' '))}.`,
  );
}

/**
 * The whole message; call it only when `refuseMessage` answered null. The command gets the changed paths on its
 * standard input, one a line, and its trimmed output is the message. When it fails or says nothing, the message is
 * the default one and the log has a warning.
 */
export async function composeMessage(input: ComposeInput): Promise<string> {
  const command = commandOf(input.config);
  if (command === null) return commitMessage(input);
  const { changes, worktree, env, clock, signal, log, limitMs } = input;
  const answer = await runMessageCommand({
    command,
    cwd: worktree,
    input: changes.map((change) => `${oneLine(displayPath(change.path))}\n`).join(''),
    ...{ env, clock, signal },
    ...(limitMs !== undefined && { limitMs }),
  });
  const text = answer.kind === 'output' ? clean(answer.text) : '';
  if (text !== '') return withTrailer(text, input);
  const why = answer.kind === 'failed' ? answer.detail : `${command[0]} wrote nothing`;
  log.warn({ worktree, why }, 'the commit gets the default message, because the command for it failed');
  return commitMessage(input);
}

function commandOf(config: GithubConfig['commit']): readonly string[] | null {
  return typeof config?.message === 'object' ? config.message.command : null;
}

/** A NUL would end the commit object's text for git. */
function clean(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll('\0', '').trim();
}
