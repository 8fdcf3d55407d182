// Whom the service tells when a project needs a person: rows of the table of settings.

import { z } from 'zod';
import { NOTICE_KINDS } from '../model/notice.ts';
import { integer, type Setting } from './setting.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Names of files and projects go there. */
function isPrivate(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}

export const NOTICE_SETTINGS = {
  noticeKinds: {
    schema: z.array(z.enum(NOTICE_KINDS)).max(NOTICE_KINDS.length),
    default: [...NOTICE_KINDS],
    env: 'SYNC_NOTICE_KINDS',
    form: 'list',
    applies: 'live',
    doc: 'What notices are given for.',
  },
  noticeUnsafeMinutes: {
    ...integer(0, 10_080),
    default: 30,
    env: 'SYNC_NOTICE_UNSAFE_MINUTES',
    applies: 'live',
    doc: 'A project that is unsafe for longer gets a notice, minutes; 0: none does.',
  },
  noticeGroupMs: {
    ...integer(0, 3_600_000),
    default: 30_000,
    env: 'SYNC_NOTICE_GROUP_MS',
    applies: 'live',
    doc: 'Notices are gathered so long and go out as one; also the least time between two, milliseconds.',
  },
  noticeWebhookUrl: {
    schema: z.url().refine(isPrivate, 'must be https, or http to this machine').nullable(),
    default: null,
    env: 'SYNC_NOTICE_WEBHOOK_URL',
    applies: 'start-only',
    secret: true,
    doc: 'Address that notices are posted to as JSON.',
  },
  noticeWebhookSecret: {
    schema: z.string().min(16).max(500).nullable(),
    default: null,
    env: 'SYNC_NOTICE_WEBHOOK_SECRET',
    applies: 'start-only',
    secret: true,
    doc: 'Secret by which the posted notices are signed.',
  },
  noticeCommand: {
    schema: z.array(z.string().min(1).max(4_000)).min(1).max(50).nullable(),
    default: null,
    env: 'SYNC_NOTICE_COMMAND',
    form: 'json',
    // Never by the API: whoever may call it could then run programs here.
    applies: 'start-only',
    doc: 'Program and arguments that get notices as JSON on their standard input; run without a shell.',
  },
} as const satisfies Record<string, Setting>;
