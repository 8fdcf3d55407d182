// One scan over this machine's projects: settings read anew, work trees compared off the event loop,
// what needs a sync queued. Costs nothing but short looks when nothing changed.

import { decideScan } from '../detect/decide.ts';
import type { EventBus } from '../events/types.ts';
import type { ChangeScanner, ScanResult } from '../git/changes/change-scanner.ts';
import { mapConcurrently } from '../git/map-concurrently.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { matchesBranch } from '../model/branch-match.ts';
import { PROTECTED_CODES, UNTOUCHED_CODES } from '../model/failure-codes.ts';
import { heldInWorkTree } from '../model/held-file.ts';
import type { JobId, ProjectId } from '../model/ids.ts';
import type { Trigger } from '../model/job.ts';
import { isPaused, type Project } from '../model/project.ts';
import { mirrorsDue, syncedTips } from '../model/remote-state.ts';
import type { TriggerAllResult, TriggerOptions } from '../model/service.ts';
import type { Asked } from '../pipeline-ports.ts';
import { parkedProjects } from '../queue/parked.ts';
import type { Database } from '../store/database.ts';
import { findSavedProject, findSavedProjects, type SavedProject, saveFacts } from '../store/projects.ts';
import type { KnownLook, KnownLooks } from './known-looks.ts';
import type { ProjectTable } from './project-table.ts';

export type ScanAsked = TriggerOptions & { trigger: Extract<Trigger, 'scan' | 'api'> };

export type ScanPorts = {
  db: Database;
  bus: EventBus;
  clock: Clock;
  log: Log;
  machineId: string;
  projects: ProjectTable;
  scanner: Pick<ChangeScanner, 'size'>;
  looks: KnownLooks;
  hints: { add(projectId: ProjectId, paths: 'all'): void };
  /** Enrols what lies under the roots and consented since. */
  findConsented(): Promise<void>;
  /** `saved` was read a moment ago. */
  refresh(project: Project, saved: SavedProject): Promise<Project>;
  /** Watches it, or no longer when it was disabled. */
  include(project: Project): Promise<void>;
  /** Lets go of a project that is stored no longer. */
  exclude(projectId: ProjectId): Promise<void>;
  /** Its sync is held back; what changed is committed here. */
  commitMeanwhile(projectId: ProjectId): void;
  isRunning(projectId: ProjectId): boolean;
  /** Whether this life of the service has looked at it before. */
  isCompared(projectId: ProjectId): boolean;
  /** Compared, and nothing to do. */
  compared(projectId: ProjectId): void;
  /** Whether the work is other than at the last look, or this is the first one. */
  isNews(projectId: ProjectId, work: string | null): boolean;
  queue(projectIds: readonly ProjectId[], asked: Asked): Promise<{ projectId: ProjectId; jobId: JobId }[]>;
  publishStates(projectIds: readonly ProjectId[]): Promise<void>;
  signal: AbortSignal;
};

type Look = { kind: 'queue' } | { kind: 'skip'; reason: string };

export async function scanAll(asked: ScanAsked, ports: ScanPorts): Promise<TriggerAllResult> {
  const { bus, clock } = ports;
  const beganAt = clock.monotonic();
  await bus.publish([{ type: 'scan.started', data: { machineId: ports.machineId, trigger: asked.trigger } }]);
  await ports.findConsented();
  const result: TriggerAllResult = { scanned: 0, queued: [], skipped: [] };
  const parked = await parkedProjects(ports.db);
  const all = byActivity(ports.projects.all());
  const parts = Array.from({ length: Math.ceil(all.length / TOGETHER) }, (_, part) =>
    all.slice(part * TOGETHER, (part + 1) * TOGETHER),
  );
  // While the threads look at some, the rows of others are read.
  const atOnce = all.length > ONE_THREAD_SCANS ? ports.scanner.size + 1 : 1;
  await mapConcurrently(parts, atOnce, (some) => scanSome(some, { asked, parked, result }, ports));
  const { scanned, queued } = result;
  const durationMs = Math.round(clock.monotonic() - beganAt);
  const data = { machineId: ports.machineId, scanned, queued: queued.length, durationMs };
  await bus.publish([{ type: 'scan.finished', data }]);
  return result;
}

/** Over a network each statement costs a way there and back: reading and telling is done for so many at once. */
const TOGETHER = 25;
/** So many are a matter of tenths of a second; each thread takes 20 MB more. */
const ONE_THREAD_SCANS = 250;

async function scanSome(
  projects: readonly Project[],
  scan: { asked: ScanAsked; parked: ReadonlySet<ProjectId>; result: TriggerAllResult },
  ports: ScanPorts,
): Promise<void> {
  const { asked, parked, result } = scan;
  const paths = projects.map(({ path }) => path);
  if (ports.signal.aborted) return;
  const savedAt = await findSavedProjects(ports.db, ports.machineId, paths);
  const known = await ports.looks.recall(
    [...savedAt.values()].filter(({ project }) => project.github.enabled),
    ports.signal,
  );
  for (const stored of projects) {
    if (ports.signal.aborted) break;
    const { projectId, path } = stored;
    const isParked = parked.has(projectId) && !asked.immediate;
    const saved = savedAt.get(path) ?? null;
    if (saved === null) {
      // Removed by another machine, whose word did not come through.
      await ports.exclude(projectId);
      continue;
    }
    const aside = { isParked, saved, known: known.get(path), insist: asked.immediate };
    const look = await lookAt(stored, aside, ports);
    if (look === null) continue;
    result.scanned++;
    if (look.kind === 'skip') result.skipped.push({ projectId, reason: look.reason });
    else result.queued.push(...(await queueOne(projectId, asked, ports)));
  }
  await ports.publishStates(projects.map(({ projectId }) => projectId));
}

/** What was safe last is likeliest to be worked on now. */
function byActivity(projects: readonly Project[]): Project[] {
  return [...projects].sort((a, b) => (b.facts.lastSafeAt ?? 0) - (a.facts.lastSafeAt ?? 0));
}

type Aside = {
  isParked: boolean;
  saved: SavedProject;
  known: KnownLook | undefined;
  insist: boolean;
};

async function refresh(stored: Project, saved: SavedProject, ports: ScanPorts): Promise<Project> {
  const project = await ports.refresh(stored, saved);
  ports.looks.refreshed(saved);
  return project;
}

/** Null: not counted, because it is disabled or was removed meanwhile. */
async function lookAt(
  stored: Project,
  { isParked, saved, known, insist }: Aside,
  ports: ScanPorts,
): Promise<Look | null> {
  if (!stored.github.enabled && stored.configHome === 'database') return null;
  const project = known?.isRefreshed ? saved.project : await refresh(stored, saved, ports);
  if (!ports.projects.renew(project)) return null;
  await ports.include(project);
  if (!project.github.enabled) return null;
  if (isPaused(project, ports.clock.now())) return { kind: 'skip', reason: 'paused' };
  if (ports.isRunning(project.projectId)) return { kind: 'skip', reason: 'syncing' };
  const isUntouched = project.facts.blocked !== null && UNTOUCHED_CODES.has(project.facts.blocked.code);
  if (isUntouched) return { kind: 'skip', reason: 'blocked' };
  const scan = await ports.looks.look(project, known, ports.signal);
  // Not seen is not safe: the sync looks for itself.
  if (scan === null) return { kind: 'queue' };
  if (isParked) return skipParked(project, scan, ports);
  const look = decide(project, scan);
  const { projectId, github, facts } = project;
  const isNews = ports.isNews(projectId, scan.work);
  if (look.kind === 'queue') return look;
  const firstLook = !ports.isCompared(projectId);
  ports.compared(projectId);
  // What blocks it is known, but not whether what was saved since is in a snapshot.
  const isGuarded = facts.blocked !== null && PROTECTED_CODES.has(facts.blocked.code);
  if ((isGuarded || isAside(scan, github)) && (insist || isNews)) return { kind: 'queue' };
  return mirrorsDue(github, facts.remotes, { now: ports.clock.now(), firstLook }) ? { kind: 'queue' } : look;
}

/** On a branch that is not synced: whether a remote has its commits only a sync finds out. */
function isAside(scan: ScanResult, { syncBranches }: Project['github']): boolean {
  if (scan.kind !== 'changes' || scan.head.kind !== 'branch') return false;
  return !matchesBranch(syncBranches, scan.head.branch);
}

function decide(project: Project, scan: ScanResult): Look {
  const { facts, github } = project;
  const decision = decideScan({
    scan,
    branch: facts.branch,
    pendingFiles: facts.pendingFiles,
    heldFiles: heldInWorkTree(facts.heldFiles).length,
    remoteTips: syncedTips(facts),
    syncBranches: github.syncBranches,
    mode: github.mode,
    previousBlocked: facts.blocked,
    everSafe: facts.lastSafeAt !== null,
  });
  return decision.kind === 'enqueue' ? { kind: 'queue' } : { kind: 'skip', reason: decision.reason };
}

/** A parked project waits for a person; the page still tells how much has gathered. */
async function skipParked(project: Project, scan: ScanResult, ports: ScanPorts): Promise<Look> {
  if (scan.kind === 'changes') {
    const held = heldInWorkTree(project.facts.heldFiles).length;
    const pendingFiles = Math.max(0, scan.changes + scan.unreadable - held);
    if (pendingFiles !== project.facts.pendingFiles) {
      // What is committed here meanwhile may have been stored since its row was read.
      const now = await findSavedProject(ports.db, ports.machineId, project.path);
      const facts = { ...(now?.project ?? project).facts, pendingFiles };
      await saveFacts(ports.db, project.projectId, facts);
      ports.projects.renew({ ...project, facts });
      await ports.publishStates([project.projectId]);
    }
    if (pendingFiles > 0) ports.commitMeanwhile(project.projectId);
  }
  return { kind: 'skip', reason: 'parked' };
}

async function queueOne(projectId: ProjectId, asked: ScanAsked, ports: ScanPorts) {
  ports.hints.add(projectId, 'all');
  const queued = await ports.queue([projectId], {
    trigger: asked.trigger,
    delayMs: 0,
    force: asked.immediate,
    askRemote: false,
    ...(asked.priority !== undefined && { priority: asked.priority }),
  });
  return queued.map(({ projectId: id, jobId }) => ({ projectId: id, jobId }));
}
