// Why a file is held, in words that follow its name.

import type { Held } from './wire.ts';

type HeldReason = Held['held'][number]['reason'];

const REASONS: Record<HeldReason, string> = {
  secret: 'looks as if it held a secret',
  'too-large': 'is too large',
  'denied-name': 'has a name that usually holds secrets',
};

export const heldReasonText = (reason: HeldReason): string => REASONS[reason];
