// What a system's own way to run services needs to know, and what it answers.

export type ServiceInput = {
  /** What is run: the program, `start`, and its arguments. */
  command: readonly string[];
  homeDir: string;
  /** Where programs like git are found. */
  searchPath: string;
  /** For databases, logs and the file of the task on Windows. */
  stateFolder: string;
};

export type ServicePlan = {
  /** As people call it: systemd, launchd, task scheduler. */
  kind: string;
  path: string;
  text: string | Uint8Array;
  /** Each a program with its arguments. */
  enable: readonly (readonly string[])[];
  disable: readonly (readonly string[])[];
  status: readonly string[];
  /** What a person should know beside it. */
  notes: readonly string[];
};

/** Variables for the service, tokens among them; the person's own file, readable by them alone. */
export const ENVIRONMENT_FILE = ['.config', 'gitferry', 'environment'] as const;
