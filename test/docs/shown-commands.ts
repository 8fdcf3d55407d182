// The commands that documents show in blocks, and which of all commands a test does not run, with the reason.

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

/** What is not run here, by its beginning: the only list of such commands. */
export const NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [/^npm (?:ci|install)\b/, 'test/package installs, and CI does'],
  [/^npm pack$/, 'test/package packs'],
  [/^npm run build\b|^deno task compile$/, 'test/package builds; Deno would fetch its own runtime'],
  [/^node (?:dist\/main\.js|-e "import\('\.\/dist\/)/, 'test/package runs what was built'],
  [/^(?:DEBUG=1 )?npm run (?:demo|test:deno-journeys)\b/, 'CI runs them'],
  [/^npm run (?:lint|types|imports|dead-code|check|check:deno|test:deno)$/, 'CI runs them'],
  [/^npx biome check --write \.$/, 'mends what `npm run lint` finds, in the whole repository'],
  [/^npm (?:test|run test:\S+)/, 'tests run themselves: test/scripts/suites'],
  [/^npm run docs$/, 'would write the documents: test/docs/generated'],
  [
    /^npm run (?:bench|soak)\b/,
    'takes long: test/scripts/bench and test/proof/soak run it, and its words are read below',
  ],
  [/^npm run example:react$/, 'test/react/example'],
  [/^(?:GITFERRY_\w+=\S+ )?npx vitest\b|^npx deno run -A npm:vitest\b/, 'tests run themselves'],
  [/^npx deno task start\b/, 'test/journeys on Deno start it with the words of this task'],
  [/^export SYNC_DB_URL=/, 'needs a server of its own: test/journeys/machines'],
  [/^(?:cat token\.txt \| )?gitferry log(?:in|out)\b/, 'a real login: test/cli/login plays it'],
  [/^gitferry service\b/, "the system's manager of services: test/cli/service"],
  [/^gitferry completion zsh\b/, 'needs zsh: test/cli/completion'],
  [/^(?:GITHUB_TOKEN=\S+ )?(?:pm2|docker|fly)\b/, 'a deployment'],
  [/^curl -X (?:POST|DELETE) \S+\/webhook$/, 'needs the host and a public address: test/runner/webhooks'],
  [/^git (?:add && |add --all|commit$)/, 'what a benchmark compares with: test/scripts/bench'],
  [/^git credential\b/, 'asks for words on its standard input: test/github/credentials'],
  [/^git refs migrate\b/, 'needs git 2.46, and a repository of another kind'],
  [/^(?:ssh|turso)\b/, 'a machine of somebody else'],
  [/^lsof\b/, "not everybody's: it only looks"],
  [/"create": true/, "needs the host's API: test/dashboard/journeys"],
];

export function whyNotRun(command: string): string | null {
  return NOT_RUN.find(([pattern]) => pattern.test(command))?.[1] ?? null;
}

/** Commands that go on until Ctrl-C. */
export function goesOn(command: string): boolean {
  return /\bnpm start\b|^gitferry start\b|\blog -f\b/.test(command);
}
