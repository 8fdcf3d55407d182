// The commands that documents show in blocks, and which of them a test does not run, with the reason.

/** Lines of the blocks of commands, whole: a line that ends in `\` goes on in the next one, comments are left out. */
export function shownCommands(text: string): string[] {
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block
      .replace(/\\\n\s*/g, '')
      .split('\n')
      .map((line) => line.replace(/(?:^|\s+)#.*$/, '').trim())
      .filter((line) => line !== ''),
  );
}

/** What is not run here, by its beginning. */
export const NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [/^npm (?:ci|install)\b/, 'test/package installs, and CI does'],
  [/^npm run build\b/, 'test/package builds; Deno would fetch its own runtime'],
  [/^node (?:dist\/main\.js|-e "import\('\.\/dist\/)/, 'test/package runs what was built'],
  [/^(?:DEBUG=1 )?npm run (?:demo|test:deno-journeys)\b/, 'CI runs them'],
  [/^(?:GITFERRY_\w+=\S+ )?npx (?:vitest|deno)\b/, 'tests run themselves'],
  [/^export SYNC_DB_URL=/, 'needs a server of its own: test/journeys/machines'],
  [/^(?:cat token\.txt \| )?gitferry log(?:in|out)\b/, 'a real login: test/cli/login plays it'],
  [/^gitferry service\b/, "the system's manager of services: test/cli/service"],
  [/^gitferry completion zsh\b/, 'needs zsh: test/cli/completion'],
  [/^(?:GITHUB_TOKEN=\S+ )?(?:pm2|docker|fly)\b/, 'a deployment'],
  [/^curl -X (?:POST|DELETE) \S+\/webhook$/, 'needs the host and a public address: test/runner/webhooks'],
  [/"create": true/, "needs the host's API: test/dashboard/journeys"],
];

export function whyNotRun(command: string): string | null {
  return NOT_RUN.find(([pattern]) => pattern.test(command))?.[1] ?? null;
}

/** Commands that go on until Ctrl-C. */
export function goesOn(command: string): boolean {
  return /\bnpm start\b|^gitferry start\b|\blog -f\b/.test(command);
}
