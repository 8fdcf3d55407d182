// What the doctor says of one thing it looked at: how it stands, and what to do.

/** `warning`: it works, and may not for long or not in full. `fault`: something does not work. */
type Level = 'ok' | 'warning' | 'fault';
export type Finding = {
  /** What was looked at, for example `git` or `disk`. */
  check: string;
  /** Which one, where there are several: a host, a project, a folder. */
  subject: string | null;
  level: Level;
  detail: string;
  action: string | null;
};

type About = string | readonly [check: string, subject: string];

function finding(level: Level, about: About, detail: string, action: string | null): Finding {
  const [check, subject] = typeof about === 'string' ? [about, null] : about;
  return { check, subject, level, detail, action };
}

export const ok = (about: About, detail: string) => finding('ok', about, detail, null);
export const warning = (about: About, detail: string, action: string) =>
  finding('warning', about, detail, action);
export const fault = (about: About, detail: string, action: string) =>
  finding('fault', about, detail, action);
