// Every way in which a push fails, from the real refusal of a git server to the state a person sees: the class of the
// failure, what becomes of the job, the state and the action; and that the work arrives once the cause is gone.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTransport } from '../../src/git/remote/transport.ts';
import { systemClock } from '../../src/host/clock.ts';
import { FAILURES } from '../../src/model/failure-codes.ts';
import type { RetryRule } from '../../src/model/failure-row.ts';
import type { JobId, ProjectId } from '../../src/model/ids.ts';
import type { JobView } from '../../src/model/job.ts';
import { NO_FACTS, projectState } from '../../src/model/project.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import { decideSettle, type SettleDecision } from '../../src/runner/decide-settle.ts';
import { createGitRepo, type GitRepo } from '../support/git-repo.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { syncOnce } from '../support/sync-once.ts';
import { ROWS, type Row } from './refusals.ts';

const MAIN = 'refs/heads/main';
const NOW = 1_767_225_600_000;
const RULES = { maxRetries: 3, retryDelayMs: 30_000, rateLimitDelayMs: 60_000, random: () => 0.5, now: NOW };

let server: GitServer;
let folder: string;
beforeAll(async () => {
  server = await startGitServer();
  folder = await mkdtemp(join(tmpdir(), 'gitferry-faults-'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
  console.log(`faults: ${ROWS.length} ways to fail, each through sync, settling and state`);
});

type Scene = { repo: GitRepo; remotePath: string; tip: string };
let scenes = 0;

/** One commit is on both sides; another file is saved. */
async function build(): Promise<Scene> {
  const name = `row-${scenes++}`;
  const remote = await server.createRepo(name);
  const repo = await createGitRepo({ path: join(folder, name) });
  await repo.git('remote', 'add', 'origin', remote.url);
  await repo.write('a.txt', 'a\n');
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'begin');
  await repo.git('push', '--quiet', 'origin', 'main');
  await repo.write('saved.txt', 'saved\n');
  return { repo, remotePath: remote.path, tip: (await repo.git('rev-parse', 'HEAD')).trim() };
}

const pathOf = ({ remotePath }: Scene) => remotePath.slice(server.root.length);
const requestsOf = (scene: Scene) =>
  server.requests.filter((request) => request.path.startsWith(`${pathOf(scene)}/`));

/** A port that a moment ago was free, and on which nobody answers. */
async function closedPort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}

async function arrange({ cause }: Row, scene: Scene): Promise<void> {
  if ('refusal' in cause) await server.refuse(scene.remotePath, cause.refusal);
  else if ('fault' in cause) {
    const method = cause.discovery ? 'GET' : 'POST';
    server.inject(new RegExp(`^${method} ${pathOf(scene)}/`), cause.fault);
  } else if ('remoteUrl' in cause) {
    const url = cause.remoteUrl.replace('CLOSED_PORT', String(await closedPort()));
    await scene.repo.git('remote', 'set-url', 'origin', url);
  } else {
    const other = await createGitRepo({ path: `${scene.repo.path}-other`, clone: scene.remotePath });
    await other.write('theirs.txt', 'theirs\n');
    await other.git('add', '--all');
    await other.git('commit', '--quiet', '--message', 'theirs');
    await other.git('push', '--quiet', 'origin', 'main');
  }
}

function syncOf({ cause, token, idleTimeoutMs = 20_000 }: Row, { repo, tip }: Scene) {
  const asks = 'discovery' in cause && cause.discovery === true;
  const facts = asks ? NO_FACTS : { ...NO_FACTS, remoteTips: { main: tip }, lastSafeAt: 1 };
  const transport = createTransport({
    clock: systemClock,
    credentialFor: async () => (token === undefined ? null : { username: 'x-access-token', password: token }),
    userAgent: 'git/gitferry-test',
    idleTimeoutMs,
  });
  // What integration does about a remote that moved on has its own journeys.
  const github = GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'], integrate: 'off' });
  return { worktree: repo.path, github, facts, ports: { transport } };
}

/** The job as the queue leaves it (src/queue/settle.ts), and the gate. */
function jobAfter({ outcome, pauses }: SettleDecision) {
  const pause = pauses[0] ?? null;
  const state = {
    park: 'parked',
    retry: 'scheduled',
    later: 'scheduled',
    release: 'scheduled',
    done: 'idle',
    partial: 'idle',
    blocked: 'idle',
    conflict: 'idle',
  };
  const job: JobView = {
    jobId: 1 as JobId,
    projectId: 'p' as ProjectId,
    state: state[outcome.kind] as JobView['state'],
    priority: 5,
    attempt: outcome.kind === 'retry' ? 1 : 0,
    runAt: null,
    startedAt: null,
    waitingFor: null,
    lastError: 'reason' in outcome ? outcome.reason : null,
  };
  const gate = pause && { pausedUntil: NOW + pause.pauseMs, reason: pause.reason };
  return { job, gate };
}

const GATES = { hostGate: 'host:h', credentialGate: 'cred:h' };
const SETTLED = { retry: 'retry', pause: 'release', park: 'park', conflict: 'conflict' } as const;
const RULE: Record<Row['fate'], RetryRule> = {
  retry: 'backoff',
  pause: 'gate',
  park: 'never',
  conflict: 'never',
};

test.concurrent.each(ROWS)('$name: $code, and then $fate', async (row: Row) => {
  const scene = await build();
  await arrange(row, scene);
  const input = syncOf(row, scene);
  const { outcome, facts } = await syncOnce(input);
  const { attempt = 1 } = row;
  const decision = decideSettle(outcome, { attempt, ...GATES, strikes: 0 }, RULES);

  // The failure, and what becomes of the job.
  expect(decision.outcome.kind).toBe(SETTLED[row.fate]);
  const reason = 'reason' in decision.outcome ? decision.outcome.reason : null;
  expect(reason).toMatchObject({ code: row.code, action: expect.stringMatching(row.action) });
  if (row.detail) expect(reason?.detail).toMatch(row.detail);
  expect(FAILURES[row.code].retry).toBe(RULE[row.fate]);
  expect(JSON.stringify([reason, facts])).not.toContain(row.token ?? 'no token');
  if (decision.outcome.kind === 'retry') expect(decision.outcome.delayMs).toBe(15_000);
  expect(decision.pauses.length > 0).toBe(row.fate === 'pause' || row.code === 'remote-timeout');
  if (row.pauseMs) expect(decision.pauses[0]?.pauseMs).toBeGreaterThanOrEqual(row.pauseMs);

  // What a person sees: the work is committed, and named as not yet there.
  const { job, gate } = jobAfter(decision);
  const shown = projectState({ github: { enabled: true }, pausedUntil: null, facts, job, gate, now: NOW });
  expect(shown).toMatchObject({ state: row.state, reason: { code: row.code } });
  expect(facts.pendingFiles).toBe(0);
  expect(facts.unpushedCommits).toBeGreaterThanOrEqual(1);
  expect(await scene.repo.git('status', '--porcelain')).toBe('');

  await expectArrival(row, scene, facts);
});

/** Once the cause is gone the next sync brings the same commit over; a conflict waits for the person. */
async function expectArrival(row: Row, scene: Scene, facts: typeof NO_FACTS): Promise<void> {
  const { repo, remotePath } = scene;
  if ('refusal' in row.cause) await server.accept(remotePath);
  if ('remoteUrl' in row.cause) {
    await repo.git('remote', 'set-url', 'origin', `${server.url}${pathOf(scene)}`);
  }
  if ('another' in row.cause) await repo.git('pull', '--quiet', '--rebase', 'origin', 'main');
  const asked = requestsOf(scene).length;
  const head = (await repo.git('rev-parse', 'HEAD')).trim();
  const again = await syncOnce({ ...syncOf({ ...row, idleTimeoutMs: 20_000 }, scene), facts });
  expect(again.outcome).toMatchObject({ kind: 'done', status: expect.stringMatching(/success|no-change/) });
  expect(again.facts).toMatchObject({ unpushedCommits: 0, blocked: null });
  expect(again.facts.lastSafeAt).toBeGreaterThan(1);
  expect(again.stats.commit).toBeNull();
  expect(await server.refOf(remotePath, MAIN)).toBe(head);
  if (row.asksFirst) expect(requestsOf(scene)[asked]).toMatchObject({ method: 'GET' });
}
