// What lasts of a project as far as people are told of it, and what a look at the project makes of that.

import type { Reason } from './failure.ts';
import type { NoticeKind } from './notice.ts';

/** What lasts of a project; `told` is how far its notice has come, null when there is none. */
export type Condition = {
  kind: Exclude<NoticeKind, 'recovered'>;
  code: Reason['code'] | null;
  /** Epoch milliseconds. */
  since: number;
  /** Of held files. */
  paths: string[];
  told: 'gathering' | 'released' | null;
  /** Paths of the notice that has not gone out yet. */
  gathering: string[];
};

export type NewNotice = {
  kind: NoticeKind;
  code: Reason['code'] | null;
  detail: string;
  action: string | null;
  paths: string[];
};

/** What is to be written; `drop` comes before `set`. */
export type Judgement = {
  drop: Condition['kind'][];
  /** With a notice: one that is gathered for the same kind is replaced by it. */
  set: (Pick<Condition, 'kind' | 'code' | 'since' | 'paths'> & { notice: NewNotice | null })[];
  recovered: NewNotice | null;
};
