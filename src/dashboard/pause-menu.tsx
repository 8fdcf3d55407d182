// Pause for an hour, until tomorrow, until resumed; or go on. For one project, and for all.

import { usePage } from './page-context.ts';
import type { Project } from './wire.ts';

const HOUR_MS = 3_600_000;
const MORNING_HOUR = 8;

export function PauseMenu({ project }: { project: Project }) {
  const { actions } = usePage();
  if (project.state === 'disabled') return null;
  if (project.state === 'paused') {
    return (
      <button type="button" onClick={() => void actions.resume(project)}>
        Resume
      </button>
    );
  }
  return (
    <PauseChoice
      label={`Pause ${project.projectName}`}
      text="Pause"
      onPause={(until) => void actions.pause(project, until)}
    />
  );
}

export function PauseAllMenu({ projects }: { projects: readonly Project[] }) {
  const { actions } = usePage();
  const isPaused = projects.some(({ state }) => state === 'paused');
  return (
    <>
      <PauseChoice
        label="Pause all projects"
        text="Pause all"
        onPause={(until) => void actions.pauseAll(until)}
      />
      {isPaused && (
        <button type="button" onClick={() => void actions.resumeAll()}>
          Resume all
        </button>
      )}
    </>
  );
}

type ChoiceProps = { label: string; text: string; onPause: (until: number | null) => void };

function PauseChoice({ label, text, onPause }: ChoiceProps) {
  const { browser } = usePage();
  const choose = (value: string) => {
    if (value === 'hour') onPause(browser.now() + HOUR_MS);
    if (value === 'tomorrow') onPause(tomorrow(browser.now()));
    if (value === 'always') onPause(null);
  };
  return (
    <select
      class="as-button"
      aria-label={label}
      value=""
      onChange={(event) => {
        choose(event.currentTarget.value);
        event.currentTarget.value = '';
      }}
    >
      <option value="" disabled hidden>
        {text}
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
