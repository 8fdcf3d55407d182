import { expect, test } from 'vitest';
import type { Arena } from '../../scripts/soak/arena.ts';
import { audit } from '../../scripts/soak/audit.ts';
import { gatherEvidence } from '../../scripts/soak/evidence.ts';
import type { Entry } from '../../scripts/soak/journal.ts';
import { reasonOf } from '../../src/model/failure.ts';
import { addProjectRow, describeDatabases } from '../support/database.ts';
import { claimOne, put, settle, T0 } from '../support/queue-calls.ts';

describeDatabases('gatherEvidence()', (db) => {
  const outcome = { kind: 'later', delayMs: 0, reason: reasonOf('git-at-work', 'Somebody works.') } as const;

  async function violationsAfter(sql: string) {
    await addProjectRow(db(), 'blog');
    await put(db(), 'blog', T0);
    const entries: Entry[] = [];
    for (let at = 1; at <= 3; at++) {
      const job = await claimOne(db(), T0 + at);
      await settle(db(), job, T0 + at, outcome);
      const claim = { jobId: Number(job.jobId), fence: Number(job.fence) };
      entries.push({ kind: 'settled', who: 'w1', ...claim, status: 'retrying' });
    }
    await settle(db(), await claimOne(db(), T0 + 4), T0 + 5);
    await db().run(sql);
    const arena = { db: db(), projects: [] } as unknown as Arena;
    const evidence = await gatherEvidence(arena, { leaseMs: 1, lives: [], heard: [], entries });
    const rules = audit(evidence).map(({ rule }) => rule);
    return rules.filter((rule) => rule !== 'event-unheard');
  }

  test('knows runs that were forgotten by their events', async () => {
    expect(await violationsAfter('SELECT 1')).toEqual([]);
  });

  test('takes no other run for forgotten', async () => {
    expect(await violationsAfter("DELETE FROM runs WHERE status = 'success'")).toContain('run-unaccounted');
  });
});
