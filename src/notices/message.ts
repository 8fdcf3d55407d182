// One message to people, of any number of notices. Pure.

import type { Notice } from '../model/notice.ts';

/** What a target gets. Instants are ISO texts: programs outside read it. */
export type Message = {
  /** The same when the same notices are sent again. */
  id: string;
  at: string;
  machineId: string;
  /** One line. */
  title: string;
  /** For a person, some lines. */
  text: string;
  notices: (Omit<Notice, 'at' | 'state' | 'machineId'> & { at: string })[];
  /** Older ones that are not among them. */
  omitted: number;
};

const WORDS: Record<Notice['kind'], string> = {
  'needs-attention': 'needs you',
  conflict: 'has a conflict',
  unsafe: 'is not safe yet',
  'secret-held': 'holds a file back',
  recovered: 'is safe again',
};

/** `notices` by id, at least one; `omitted` older ones are only counted. */
export function buildMessage(
  notices: readonly Notice[],
  { omitted, machineId, now }: { omitted: number; machineId: string; now: number },
): Message {
  const [first] = notices;
  const last = notices.at(-1);
  const total = notices.length + omitted;
  const only = total === 1 && first ? `${first.projectName} ${WORDS[first.kind]}` : `${total} notices`;
  return {
    id: `${machineId}-${first?.id ?? 0}-${last?.id ?? 0}`,
    at: new Date(now).toISOString(),
    machineId,
    title: oneLine(`gitferry on ${machineId}: ${only}`),
    text: [...notices.map(lineOf), ...(omitted > 0 ? [`… and ${omitted} earlier.`] : [])].join('\n'),
    notices: notices.map(({ at, state, machineId: _own, ...notice }) => ({
      ...notice,
      at: new Date(at).toISOString(),
    })),
    omitted,
  };
}

/** What is sent when a person asks for a test. */
export function testMessage(machineId: string, now: number): Message {
  const at = new Date(now).toISOString();
  const text = 'This is a test. Notices of gitferry will come this way.';
  return {
    id: `${machineId}-test-${now}`,
    at,
    machineId,
    title: `gitferry on ${machineId}: test`,
    text,
    notices: [],
    omitted: 0,
  };
}

function lineOf({ projectName, kind, detail, action }: Notice): string {
  const todo = action === null ? '' : ` To do: ${action}`;
  return oneLine(`${projectName} ${WORDS[kind]}. ${detail}${todo}`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: names and texts may hold any
const oneLine = (text: string) => text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
