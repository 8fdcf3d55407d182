import { expect, test } from 'vitest';
import { reasonOf } from '../../src/model/failure.ts';
import { NOTICE_KINDS, type NoticeKind } from '../../src/model/notice.ts';
import type { Condition, Judgement } from '../../src/model/notice-judgement.ts';
import type { ProjectState } from '../../src/model/project.ts';
import { judgeProject } from '../../src/notices/judge-project.ts';

const NOW = 5_000;
const forbidden = reasonOf('push-forbidden', 'denied');
const diverged = reasonOf('remote-diverged', 'both moved');

const condition = (kind: Condition['kind'], more: Partial<Condition> = {}): Condition => ({
  ...{ kind, code: null, since: 1_000, paths: [], told: null, gathering: [] },
  ...more,
});
const needs = (told: Condition['told'] = 'released') =>
  condition('needs-attention', { code: 'push-forbidden', told });
const unsafe = (told: Condition['told'] = null) => condition('unsafe', { told });

function judge(
  state: ProjectState,
  known: Condition[] = [],
  {
    reason = null,
    held = [],
    wanted = NOTICE_KINDS,
  }: {
    reason?: ReturnType<typeof reasonOf> | null;
    held?: string[];
    wanted?: readonly NoticeKind[];
  } = {},
) {
  return judgeProject({ state, reason, heldSecrets: held }, known, NOW, wanted);
}
const told = ({ set, recovered }: Judgement) => [
  ...set.flatMap(({ notice }) => (notice === null ? [] : [notice.kind])),
  ...(recovered === null ? [] : [recovered.kind]),
];
const opened = ({ set }: Judgement) => set.map(({ kind }) => kind);

test('a blocked project calls for a person once, with what to do', () => {
  const first = judge('blocked', [], { reason: forbidden });
  expect(first.set[0]).toMatchObject({
    ...{ kind: 'needs-attention', code: 'push-forbidden', since: NOW },
    notice: { detail: 'denied', action: forbidden.action },
  });
  expect(opened(first)).toEqual(['needs-attention', 'unsafe']);
  expect(judge('blocked', [needs(), unsafe()], { reason: forbidden })).toEqual({
    drop: [],
    set: [],
    recovered: null,
  });
});

test('another reason is told anew', () => {
  const other = reasonOf('secret-in-commit', 'a secret');
  expect(told(judge('blocked', [needs(), unsafe()], { reason: other }))).toEqual(['needs-attention']);
});

test('a conflict replaces what was the matter before, without a recovery', () => {
  const judged = judge('conflict', [needs(), unsafe()], { reason: diverged });
  expect(judged.drop).toEqual(['needs-attention']);
  expect(told(judged)).toEqual(['conflict']);
});

test('a missing folder needs a person', () => {
  expect(told(judge('missing', [], { reason: reasonOf('folder-missing', 'gone') }))).toEqual([
    'needs-attention',
  ]);
});

test.each<ProjectState>(['pending', 'syncing', 'retrying', 'offline', 'rate-limited'])(
  'while it is %s nothing is told, and nothing is over; it is unsafe from now on',
  (state) => {
    const judged = judge(state, [needs()]);
    expect(told(judged)).toEqual([]);
    expect(judged.drop).toEqual([]);
    expect(judged.set).toEqual([expect.objectContaining({ kind: 'unsafe', since: NOW, notice: null })]);
    expect(judge(state, [needs(), unsafe()]).set).toEqual([]);
  },
);

test.each<[string, Condition[], NoticeKind[]]>([
  ['what was told', [needs(), unsafe()], ['recovered']],
  ['that it was unsafe for long', [unsafe('released')], ['recovered']],
  ['what has not gone out yet', [needs('gathering'), unsafe()], []],
  ['what nobody was told', [unsafe()], []],
  ['nothing', [], []],
])('safe again after %s', (_what, known, expected) => {
  const judged = judge('safe', known);
  expect(told(judged)).toEqual(expected);
  expect(judged.drop).toEqual(known.map(({ kind }) => kind));
});

test('a disabled project is no longer anybody’s concern; a paused one is not unsafe for long', () => {
  expect(judge('disabled', [needs(), unsafe('released')])).toEqual({
    ...{ drop: ['needs-attention', 'unsafe'], set: [], recovered: null },
  });
  expect(judge('paused', [needs(), unsafe()])).toEqual({ drop: ['unsafe'], set: [], recovered: null });
});

test('what its host paused, a person has to hear of, once', () => {
  const archived = reasonOf('repository-archived', 'read-only');
  const first = judge('paused', [], { reason: archived });
  expect(told(first)).toEqual(['needs-attention']);
  const known = [condition('needs-attention', { code: 'repository-archived', told: 'released' }), unsafe()];
  expect(judge('paused', known, { reason: archived }).set).toEqual([]);
});

test('held secrets are told by path, each once; more of them join what has not gone out yet', () => {
  const first = judge('safe', [], { held: ['.env', 'b.pem'] });
  expect(first.set).toEqual([expect.objectContaining({ kind: 'secret-held', paths: ['.env', 'b.pem'] })]);
  expect(first.set[0]?.notice?.detail).toContain('.env, b.pem');
  const known = (more: Partial<Condition>) => [condition('secret-held', { paths: ['.env'], ...more })];
  const joined = judge('safe', known({ told: 'gathering', gathering: ['.env'] }), {
    held: ['.env', 'c.pem'],
  });
  expect(joined.set[0]?.notice?.paths).toEqual(['.env', 'c.pem']);
  const later = judge('safe', known({ told: 'released' }), { held: ['.env', 'c.pem'] });
  expect(later.set[0]?.notice?.paths).toEqual(['c.pem']);
  expect(judge('safe', known({ told: 'released' }), { held: ['.env'] }).set).toEqual([]);
  expect(judge('safe', known({ told: 'released' })).drop).toEqual(['secret-held']);
});

test('a held secret does not keep a project from being safe again', () => {
  const held = condition('secret-held', { paths: ['.env'], told: 'released' });
  const judged = judge('safe', [needs(), held], { held: ['.env'] });
  expect(judged.drop).toEqual(['needs-attention']);
  expect(told(judged)).toEqual(['recovered']);
});

test('kinds that nobody wants are kept in mind and not told', () => {
  const judged = judge('blocked', [], { reason: forbidden, wanted: ['conflict'] });
  expect(told(judged)).toEqual([]);
  expect(opened(judged)).toEqual(['needs-attention', 'unsafe']);
});
