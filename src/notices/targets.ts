// Where notices go, as the settings say.

import type { Clock } from '../host/clock.ts';
import { Failure } from '../model/failure.ts';
import type { NoticeTargetName } from '../model/notice.ts';
import type { Message } from './message.ts';
import { postMessage } from './post-message.ts';
import { runNoticeCommand } from './run-command.ts';

export type Target = {
  name: NoticeTargetName;
  /** @throws Failure `notice-failed` */
  send(message: Message, signal: AbortSignal): Promise<void>;
};

export type TargetPorts = {
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  /** Relative programs are looked for from here. */
  cwd: string;
  userAgent: string;
};

export type TargetSettings = {
  noticeWebhookUrl: string | null;
  noticeWebhookSecret: string | null;
  noticeCommand: string[] | null;
};

export function createTargets(settings: TargetSettings, ports: TargetPorts): Target[] {
  const { noticeWebhookUrl: url, noticeWebhookSecret: secret, noticeCommand: command } = settings;
  const targets: Target[] = [];
  if (url !== null) {
    targets.push({
      name: 'webhook',
      send: (message, signal) => postMessage(message, { ...ports, url, secret, signal }),
    });
  }
  if (command !== null) {
    targets.push({
      name: 'command',
      send: (message, signal) => runNoticeCommand(message, { ...ports, command, signal }),
    });
  }
  return targets;
}

/** What went wrong, in words; a fault that is not foreseen is told as one. */
export function wordsOf(error: unknown): string {
  return error instanceof Failure
    ? error.message
    : `It failed in a way that is not foreseen: ${String(error)}`;
}
