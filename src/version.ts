// The program's version. test/version.test.ts keeps it equal to package.json, which Deno and the build do not load.

export const VERSION = '0.1.0';
