// What happens, as it happens: the feed's events, newest first.

import { useState } from 'preact/hooks';
import { instantText, timeText } from './format.ts';
import { usePart } from './page-context.ts';
import { projectLink } from './route.ts';
import type { Message } from './wire.ts';

const GROUPS = ['all', 'project', 'job', 'run', 'scan', 'gate', 'file', 'machine', 'service', 'notice'];
const MOST_SHOWN = 300;

export function LogView() {
  const messages = usePart((state) => state.messages);
  const [text, setText] = useState('');
  const [group, setGroup] = useState('all');
  const [heldAt, setHeldAt] = useState<readonly Message[] | null>(null);
  const shown = (heldAt ?? messages)
    .filter(({ type }) => group === 'all' || type.split('.')[0] === group)
    .filter((message) => text === '' || lineOf(message).toLowerCase().includes(text.toLowerCase()))
    .slice(0, MOST_SHOWN);
  return (
    <>
      <h1>Log</h1>
      <div class="filters">
        <label>
          Search
          <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <label>
          Kind
          <select value={group} onChange={(event) => setGroup(event.currentTarget.value)}>
            {GROUPS.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          aria-pressed={heldAt !== null}
          onClick={() => setHeldAt(heldAt === null ? messages : null)}
        >
          {heldAt === null ? 'Hold still' : 'Go on'}
        </button>
      </div>
      {shown.length === 0 && <p class="empty">Nothing has happened since this page was opened.</p>}
      <ol class="log">
        {shown.map((message) => (
          <li key={message.id}>
            <time dateTime={message.at} title={instantText(message.at)}>
              {timeText(message.at)}
            </time>
            <code>{message.type}</code>
            {message.projectId === null ? (
              <span />
            ) : (
              <a href={projectLink(message.projectId)}>{message.projectId}</a>
            )}
            <span class="facts">{factsOf(message)}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

function lineOf(message: Message): string {
  return `${message.type} ${message.projectId ?? ''} ${factsOf(message)}`;
}

function factsOf({ data }: Message): string {
  return Object.entries(data)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([key, value]) => `${key} ${textOf(value)}`)
    .join(' · ');
}

/** A reason by its code and detail; what to do stands where it can be done. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { code, detail } = value as { code?: unknown; detail?: unknown };
  return code === undefined ? JSON.stringify(value) : `${code}: ${detail}`;
}
