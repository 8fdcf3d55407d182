// The structured log: JSON lines on standard error by pino, tokens redacted.

import { type DestinationStream, type Logger, pino } from 'pino';

/** What rooms may do with the log; a pino logger satisfies it. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_KEYS = ['token', 'authorization', 'password', 'secret', 'authToken', 'apiToken'];
const REDACTED = [...SECRET_KEYS, ...SECRET_KEYS.map((key) => `*.${key}`), 'headers.authorization'];

// Credentials inside texts: user info in URLs, GitHub's token formats and our own, bearer headers.
const SECRET_TEXT =
  /(:\/\/)[^/\s:@]+(?::[^/\s@]*)?@|\b(?:gh[opsur]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|gitferry_[\w-]{43})|\b(Bearer|Basic) [\w.~+/=-]{6,}/g;

/** Takes credentials out of a text that came from outside, before it is stored, logged or answered. */
export function redact(text: string): string {
  return text.replace(SECRET_TEXT, (_all, scheme?: string, kind?: string) =>
    scheme ? scheme : kind ? `${kind} [redacted]` : '[redacted]',
  );
}

/** Builds the log. `destination` defaults to standard error. */
export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED, censor: '[redacted]' },
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redact },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

/** A log that keeps nothing, for embedding and tests. */
export const silentLog: Log = pino({ level: 'silent' });
