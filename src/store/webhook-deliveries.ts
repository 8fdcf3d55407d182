// Which deliveries of webhooks were acted upon: each is acted upon once, whichever machine it reaches.

import type { ListedDelivery, WebhookOutcome } from '../model/webhook.ts';
import type { Database } from './database.ts';

/** Longer than hosts offer to deliver again (three days). */
const KEPT_MS = 7 * 86_400_000;
const MOST_KEPT = 20_000;
/** Whoever began and did not end within this time has crashed: the delivery may come again. */
const ABANDONED_MS = 60_000;

// One statement decides, so that of two that come at once one is the first.
const CLAIM = `
  INSERT INTO webhook_deliveries(delivery_id, event, received_at)
  SELECT :deliveryId, :event, now FROM clock WHERE true
  ON CONFLICT(delivery_id) DO UPDATE SET received_at = excluded.received_at
    WHERE outcome IS NULL AND received_at < excluded.received_at - ${ABANDONED_MS}
  RETURNING id`;

/** True for the first that comes with this id; also forgets what is too old to come again. */
export async function claimDelivery(
  db: Database,
  { deliveryId, event }: { deliveryId: string; event: string },
): Promise<boolean> {
  const [claimed] = await db.batch([
    { sql: CLAIM, args: { deliveryId, event } },
    { sql: `DELETE FROM webhook_deliveries WHERE received_at < (SELECT now FROM clock) - ${KEPT_MS}` },
    {
      sql: `DELETE FROM webhook_deliveries WHERE id <= (SELECT max(id) FROM webhook_deliveries) - ${MOST_KEPT}`,
    },
  ]);
  return (claimed?.length ?? 0) > 0;
}

export async function finishDelivery(
  db: Database,
  input: { deliveryId: string; webhookId: number | null; outcome: WebhookOutcome; detail: string },
): Promise<void> {
  await db.run(
    `UPDATE webhook_deliveries SET webhook_id = :webhookId, outcome = :outcome, detail = :detail
     WHERE delivery_id = :deliveryId`,
    input,
  );
}

/** It could not be acted upon: the host may deliver it again. */
export async function releaseDelivery(db: Database, deliveryId: string): Promise<void> {
  await db.run('DELETE FROM webhook_deliveries WHERE delivery_id = :deliveryId AND outcome IS NULL', {
    deliveryId,
  });
}

/** The newest of one webhook, newest first. */
export async function listDeliveries(
  db: Database,
  { webhookId, limit }: { webhookId: number; limit: number },
): Promise<ListedDelivery[]> {
  const rows = await db.run(
    `SELECT delivery_id, event, received_at, outcome, detail FROM webhook_deliveries
     WHERE webhook_id = :webhookId ORDER BY id DESC LIMIT :limit`,
    { webhookId, limit },
  );
  return rows.map((row) => ({
    deliveryId: String(row.delivery_id),
    event: String(row.event),
    receivedAt: Number(row.received_at),
    outcome: row.outcome as WebhookOutcome | null,
    detail: row.detail as string | null,
  }));
}
