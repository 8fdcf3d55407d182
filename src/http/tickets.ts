// One-minute, single-use tickets: browsers cannot send a token when they open a WebSocket.
// Only digests are kept, in memory; a restart forgets them.

import { createHash, randomBytes } from 'node:crypto';
import { createRoute } from '@hono/zod-openapi';
import type { Clock } from '../host/clock.ts';
import type { Caller } from '../model/caller.ts';
import { type ApiApp, callerOf } from './api-app.ts';
import { EmptyBodySchema, json, jsonBody, problems } from './schemas/common.ts';
import { TicketAnswerSchema } from './schemas/feed.ts';
import { isoOf } from './wire.ts';

export type Tickets = {
  /** For this caller, whose rights whoever redeems it has. `expiresAt` is epoch milliseconds. */
  issue(caller: Caller): { ticket: string; expiresAt: number };
  /** The caller once for each ticket, within its minute; otherwise null. */
  redeem(ticket: string): Caller | null;
};

const LIFETIME_MS = 60_000;
/** More than this many unused tickets: the oldest is dropped. */
const MOST_OPEN = 1_000;

export function createTickets({ clock }: { clock: Clock }): Tickets {
  // Insertion order is expiry order. Monotonic time: a wall clock set back must not lengthen a minute.
  const open = new Map<string, { deadline: number; caller: Caller }>();
  const dropExpired = () => {
    for (const [digest, { deadline }] of open) {
      if (deadline > clock.monotonic() && open.size <= MOST_OPEN) return;
      open.delete(digest);
    }
  };
  return {
    issue(caller) {
      // Not the injected randomness: this must not be guessable.
      const ticket = randomBytes(32).toString('base64url');
      open.set(digestOf(ticket), { deadline: clock.monotonic() + LIFETIME_MS, caller });
      dropExpired();
      return { ticket, expiresAt: clock.now() + LIFETIME_MS };
    },
    redeem(ticket) {
      dropExpired();
      const digest = digestOf(ticket);
      const found = open.get(digest);
      open.delete(digest);
      return found?.caller ?? null;
    },
  };
}

function digestOf(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64');
}

const issueRoute = createRoute({
  method: 'post',
  path: '/api/sync/tickets',
  summary: 'A ticket with which a browser opens the feed: `?ticket=`, one minute, once',
  request: { body: jsonBody(EmptyBodySchema) },
  responses: { 201: json(TicketAnswerSchema, 'The ticket.'), ...problems(400, 408, 413) },
});

export function addTicketRoutes(app: ApiApp, { tickets }: { tickets: Tickets }): void {
  app.openapi(issueRoute, (c) => {
    const { ticket, expiresAt } = tickets.issue(callerOf(c));
    return c.json({ success: true as const, ticket, expiresAt: isoOf(expiresAt) }, 201);
  });
}
