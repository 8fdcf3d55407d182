// Pause for an hour, until tomorrow, until resumed; or go on.

import { usePage } from './page-context.ts';
import type { Project } from './wire.ts';

const HOUR_MS = 3_600_000;
const MORNING_HOUR = 8;

export function PauseMenu({ project }: { project: Project }) {
  const { actions, browser } = usePage();
  if (project.state === 'disabled') return null;
  if (project.state === 'paused') {
    return (
      <button type="button" onClick={() => void actions.resume(project)}>
        Resume
      </button>
    );
  }
  const choose = (value: string) => {
    if (value === 'hour') void actions.pause(project, browser.now() + HOUR_MS);
    if (value === 'tomorrow') void actions.pause(project, tomorrow(browser.now()));
    if (value === 'always') void actions.pause(project, null);
  };
  return (
    <select
      class="as-button"
      aria-label={`Pause ${project.projectName}`}
      value=""
      onChange={(event) => {
        choose(event.currentTarget.value);
        event.currentTarget.value = '';
      }}
    >
      <option value="" disabled hidden>
        Pause
      </option>
      <option value="hour">for an hour</option>
      <option value="tomorrow">until tomorrow, 8:00</option>
      <option value="always">until I resume it</option>
    </select>
  );
}

/** Eight in the morning of the person's next day, epoch milliseconds. */
function tomorrow(now: number): number {
  const date = new Date(now);
  date.setDate(date.getDate() + 1);
  return date.setHours(MORNING_HOUR, 0, 0, 0);
}
