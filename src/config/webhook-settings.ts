// How hosts tell of pushes: rows of the table of settings.

import { z } from 'zod';
import type { Setting } from './setting.ts';

export const WEBHOOK_SETTINGS = {
  publicUrl: {
    schema: z.url({ protocol: /^https?$/ }).nullable(),
    default: null,
    env: 'SYNC_PUBLIC_URL',
    applies: 'live',
    doc: 'Address by which the hosts reach this service; with it, webhooks are registered where the token may. null: none are.',
  },
  webhookSecret: {
    schema: z.string().min(16).max(500).nullable(),
    default: null,
    env: 'SYNC_WEBHOOK_SECRET',
    applies: 'start-only',
    secret: true,
    doc: 'Secret of the webhooks that a person or a GitHub App sets up; registered ones have one each.',
  },
} as const satisfies Record<string, Setting>;
