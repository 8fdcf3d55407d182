// How gates are called, so that everyone who speaks to a host for an account meets the same ones.

/** Closed while the host cannot be reached; `host` with its port, where it has one. */
export const hostGate = (host: string): string => `host:${host}`;

/** Closed while the host limits an account; `credential` is a name, or the host where none is chosen. */
export const credentialGate = (credential: string): string => `cred:${credential}`;

/** Keeps calls that create something for an account apart. Never closed by itself. */
export const creationGate = (credential: string): string => `create:${credential}`;

/**
 * 500 an hour, the tighter one of GitHub's limits for requests that create content, with 100 s in each hour to
 * spare: at exactly 7,200 one that is late on its way would be the 501st of an hour that begins with it.
 */
export const CREATION_SPACING_MS = 7_400;
