// Tells people outside of the page when a project needs them. Events only say which projects to look at; what they
// mean is judged from the projects as they are, against what was told before, so nothing is told twice or forgotten.
//
//   event ──► look ──► judge ──► gathered ──(noticeGroupMs)──► released ──► each target, one message at a time
//   clock ──► unsafe for too long ──────────┘

import type { EventBus } from '../events/types.ts';
import type { Random } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { NoticeControl } from '../model/notice.ts';
import { keepTargets, listTargets } from '../store/notice-targets.ts';
import { gatheringSince, releaseGathered } from '../store/notices.ts';
import { deliverDue } from './deliver.ts';
import { type LookPorts, lookAtProjects, tellUnsafe } from './look-at-projects.ts';
import { testMessage } from './message.ts';
import { createTargets, type TargetPorts, type TargetSettings, wordsOf } from './targets.ts';

export type NoticePorts = TargetPorts &
  Omit<LookPorts, 'settings'> & {
    bus: EventBus;
    random: Random;
    log: Log;
    settings(): ReturnType<LookPorts['settings']> & TargetSettings & { noticeGroupMs: number };
  };

export type Notices = NoticeControl & {
  start(): Promise<void>;
  /** Lets a message that is under way arrive, for a moment. */
  stop(): Promise<void>;
};

const TYPES = ['project.state', 'project.removed', 'file.held', 'file.released'];
/** Nothing that is due is noticed later than this. */
const LONGEST_WAIT_MS = 60_000;
const STOP_GRACE_MS = 5_000;

export function openNotices(ports: NoticePorts): Notices {
  return new OpenNotices(ports);
}

class OpenNotices implements Notices {
  readonly #ports: NoticePorts;
  readonly #stopping = new AbortController();
  /** What is to be looked at. */
  #asked: Set<ProjectId> | 'all' = 'all';
  #round: Promise<void> = Promise.resolve();
  #isQueued = false;
  #isStopped = false;
  #startedAt = 0;
  #cancelTimer: () => void = () => {};
  #unsubscribe: () => void = () => {};

  constructor(ports: NoticePorts) {
    this.#ports = ports;
  }

  async start(): Promise<void> {
    const { db, bus, clock, log, machineId } = this.#ports;
    this.#startedAt = clock.now();
    await keepTargets(
      db,
      machineId,
      this.#targets().map(({ name }) => name),
    );
    const subscription = bus.follow({
      isOwn: true,
      types: TYPES,
      onEvents: (events) => {
        for (const { projectId } of events) if (projectId !== null) this.#ask(projectId);
        this.#soon();
      },
      onReset: () => this.#lookAtAll(),
      onMissed: () => {
        log.warn('notices are late: too much happens at once');
        this.#lookAtAll();
      },
    });
    this.#unsubscribe = () => subscription.close();
    this.#soon();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#cancelTimer();
    const cancel = this.#ports.clock.timer(STOP_GRACE_MS, () => this.#stopping.abort());
    this.#isStopped = true;
    await this.#round;
    cancel();
    this.#stopping.abort();
  }

  targets: NoticeControl['targets'] = () => listTargets(this.#ports.db, this.#ports.machineId);

  test: NoticeControl['test'] = async () => {
    const targets = this.#targets();
    if (targets.length === 0)
      throw new Failure('notice-targets-missing', 'Notices go nowhere: no target is set.');
    const message = testMessage(this.#ports.machineId, this.#ports.clock.now());
    return Promise.all(
      targets.map(async ({ name, send }) => {
        try {
          await send(message, this.#stopping.signal);
          return { target: name, ok: true, detail: 'It was taken.' };
        } catch (error) {
          return { target: name, ok: false, detail: wordsOf(error) };
        }
      }),
    );
  };

  #targets() {
    return createTargets(this.#ports.settings(), this.#ports);
  }

  #ask(projectId: ProjectId): void {
    if (this.#asked !== 'all') this.#asked.add(projectId);
  }

  #lookAtAll(): void {
    this.#asked = 'all';
    this.#soon();
  }

  /** One round after the other; what is asked for meanwhile is in the next. */
  #soon(): void {
    if (this.#isQueued || this.#isStopped) return;
    this.#isQueued = true;
    this.#cancelTimer();
    this.#round = this.#round.then(() => this.#turn());
  }

  async #turn(): Promise<void> {
    this.#isQueued = false;
    let nextAt: number | null = null;
    try {
      nextAt = await this.#work();
    } catch (error) {
      // Nothing is lost: it is all in the database, and looked at again.
      this.#asked = 'all';
      this.#ports.log.warn({ err: error }, 'notices could not be looked after; they are tried again');
    }
    if (this.#isStopped || this.#isQueued) return;
    const { clock } = this.#ports;
    const waitMs = Math.min(
      Math.max((nextAt ?? Number.POSITIVE_INFINITY) - clock.now(), 100),
      LONGEST_WAIT_MS,
    );
    this.#cancelTimer = clock.timer(waitMs, () => this.#soon());
  }

  /** Answers when something is due next. */
  async #work(): Promise<number | null> {
    const { db, clock, machineId, settings } = this.#ports;
    const asked = this.#asked;
    this.#asked = new Set();
    await lookAtProjects(asked, this.#ports);
    const unsafeAt = await tellUnsafe(this.#startedAt, this.#ports);
    const groupMs = settings().noticeGroupMs;
    const now = clock.now();
    const released = await releaseGathered(db, { machineId, before: now - groupMs, now });
    if (released.length > 0) await this.#publish(released);
    const since = await gatheringSince(db, machineId);
    const ports = { ...this.#ports, groupMs: () => groupMs };
    const dueAt = await deliverDue(this.#targets(), ports, this.#stopping.signal);
    const dues = [unsafeAt, since === null ? null : since + groupMs, dueAt].filter((at) => at !== null);
    return dues.length === 0 ? null : Math.min(...dues);
  }

  async #publish(released: Awaited<ReturnType<typeof releaseGathered>>): Promise<void> {
    const { bus, machineId } = this.#ports;
    await bus.publish(
      released.map(({ id, kind, code, detail, action, projectId }) => ({
        ...{ type: 'notice', projectId },
        data: { noticeId: id, kind, code, detail, action, machineId },
      })),
    );
  }
}
