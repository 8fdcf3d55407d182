// Branded identifiers, so that a job id cannot be passed where a project id is meant.

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A project's public name in URLs: 1-100 characters of `a-z 0-9 . _ - @`, starting with a letter or digit. */
export type ProjectId = Brand<string, 'ProjectId'>;
/** A queue row; decimal text on the wire. */
export type JobId = Brand<number, 'JobId'>;
/** A finished or running attempt in the history. */
export type RunId = Brand<number, 'RunId'>;

/** The shape of a valid project id, for schemas and checks alike. */
export const PROJECT_ID_PATTERN = /^[a-z0-9][a-z0-9._@-]{0,99}$/;

/** Turns any name into a valid project id: lower case, other characters become `-`; `project` when nothing is left. */
export function toProjectId(name: string): ProjectId {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|-+$/g, '')
    .slice(0, 80);
  return (slug === '' ? 'project' : slug) as ProjectId;
}
