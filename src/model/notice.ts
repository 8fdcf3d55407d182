// What a person is told outside of the page: that a project needs them, and that it is well again.

import type { Reason } from './failure.ts';
import type { ProjectId } from './ids.ts';

/** `test` is sent when a person asks for one, and is not kept. */
export const NOTICE_KINDS = ['needs-attention', 'conflict', 'unsafe', 'secret-held', 'recovered'] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** `at` is epoch milliseconds. */
export type Notice = {
  id: number;
  at: number;
  kind: NoticeKind;
  projectId: ProjectId;
  projectName: string;
  machineId: string;
  code: Reason['code'] | null;
  detail: string;
  action: string | null;
  /** `gathering`: it goes out with others in a moment, or not at all when it is over by then. */
  state: 'gathering' | 'released';
};

export const NOTICE_TARGETS = ['webhook', 'command'] as const;
export type NoticeTargetName = (typeof NOTICE_TARGETS)[number];

/** A place that notices go to. Instants are epoch milliseconds. */
export type NoticeTarget = {
  target: NoticeTargetName;
  /** Notices that it has not had yet. */
  waiting: number;
  lastSentAt: number | null;
  failing: { since: number; attempts: number; error: string; nextTryAt: number } | null;
};

export type NoticeControl = {
  targets(): Promise<NoticeTarget[]>;
  /** Sends one to each target, now and once. @throws Failure `notice-targets-missing` */
  test(): Promise<{ target: NoticeTargetName; ok: boolean; detail: string }[]>;
};
