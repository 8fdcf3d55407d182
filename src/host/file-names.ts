// What this runtime can do with names of files.

/** Whether node:fs takes and gives names as bytes. Deno turns what is not UTF-8 into U+FFFD: such a file looks absent. */
export const HOLDS_RAW_NAMES: boolean = process.versions.deno === undefined;
