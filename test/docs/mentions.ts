// Finds what a document mentions and the product does not have: commands, routes, variables, settings, files, links.
// Knows how documents are written, nothing of the product: what exists is passed in.

export type Known = {
  /** Scripts of package.json, and tasks of deno.json. */
  npmScripts: ReadonlySet<string>;
  denoTasks: ReadonlySet<string>;
  /** `--port` and the like: of `npm start`, and of scripts by their name. */
  startFlags: ReadonlySet<string>;
  scriptFlags: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of every command of `gitferry`. */
  commandFlags: ReadonlySet<string>;
  /** Whether the program takes these words, without its name. */
  isCommand(words: readonly string[]): boolean;
  /** `GET /api/sync/projects/{projectId}` */
  routes: readonly string[];
  isVariable(name: string): boolean;
  isServiceSetting(key: string): boolean;
  isProjectSetting(key: string): boolean;
  /** Whether a file or folder of the repository exists; the path is from its root. */
  exists(path: string): boolean;
  /** Anchors of a document, null when there is no such document. */
  anchorsOf(path: string): ReadonlySet<string> | null;
};

export type Mention = {
  kind: 'command' | 'script' | 'task' | 'flag' | 'route' | 'variable' | 'setting' | 'file' | 'link';
  text: string;
  isKnown: boolean;
};

/** Everything that the document names and that can be checked. `path` is from the root of the repository. */
export function findMentions(path: string, text: string, known: Known): Mention[] {
  return [
    ...commandsIn(text, known),
    ...scriptsIn(text, known),
    ...flagsIn(text, known),
    ...routesIn(text, known),
    ...variablesIn(text, known),
    ...settingsIn(text, known),
    ...filesIn(text, known),
    ...linksIn(path, text, known),
  ];
}

/** As GitHub makes them from headings. */
export function anchorsIn(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** `gitferry ...` in blocks of commands, and in backticks. */
function commandsIn(text: string, { isCommand }: Known): Mention[] {
  return gitferryCommands(text).map((line) => ({
    kind: 'command',
    text: line,
    isKnown: isCommand(wordsOf(line).slice(1)),
  }));
}

/** As they are written, without what a shell does with them: comments, `$`, pipes and redirections. */
function gitferryCommands(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block.split('\n'),
  );
  const inline = [...text.matchAll(/`(gitferry [^`\n]+)`/g)].map(([, line = '']) => line);
  return [...blocks, ...inline]
    .map((line) => /^(?:npx )?(gitferry .*)$/.exec(line)?.[1])
    .filter((line) => line !== undefined)
    .map((line) => line.replace(/\s+(?:#|>|\||&&) .*$/, '').trim());
}

/** A line in words, as a shell takes it apart. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

function scriptsIn(text: string, { npmScripts, denoTasks }: Known): Mention[] {
  const scripts = [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)].map(
    ([, run, short]) => run ?? short ?? '',
  );
  const tasks = [...text.matchAll(/\bdeno task ([\w:-]+)/g)].map(([, task = '']) => task);
  return [
    ...scripts.map((name) => ({ kind: 'script' as const, text: name, isKnown: npmScripts.has(name) })),
    ...tasks.map((name) => ({ kind: 'task' as const, text: name, isKnown: denoTasks.has(name) })),
  ];
}

const NONE: ReadonlySet<string> = new Set();

function flagsIn(text: string, { startFlags, scriptFlags, commandFlags }: Known): Mention[] {
  const calls = [
    ...[...text.matchAll(/(?:npm start --|main\.js start|task start) ([^`\n#]*)/g)].map(
      ([, rest = '']) => [rest, startFlags] as const,
    ),
    ...[...text.matchAll(/npm run ([\w:-]+) -- ([^`\n#]*)/g)].map(
      ([, name = '', rest = '']) => [rest, scriptFlags.get(name) ?? NONE] as const,
    ),
    ...[...text.matchAll(/`(--[a-z-]+)`/g)].map(([, flag = '']) => [flag, commandFlags] as const),
  ];
  return calls.flatMap(([rest, flags]) =>
    [...rest.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => ({
      kind: 'flag' as const,
      text: flag,
      isKnown: flags.has(flag),
    })),
  );
}

/** `METHOD /path` in words, and the addresses of this service in commands (`-X METHOD`, else GET) and code. */
function routesIn(text: string, { routes }: Known): Mention[] {
  const found = new Set<string>();
  for (const [, method, path] of text.matchAll(/\b(GET|POST|PUT|PATCH|DELETE) (\/[\w/:{}.-]*)/g)) {
    found.add(`${method} ${path}`);
  }
  for (const line of text.split('\n')) {
    const method = /-X ([A-Z]+)/.exec(line)?.[1] ?? 'GET';
    for (const [, path = ''] of line.matchAll(/localhost:\d+(\/[\w/.-]*)?/g))
      found.add(`${method} ${path || '/'}`);
  }
  const patterns = routes.map(
    (route) => new RegExp(`^${route.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[\\w.:@-]+')}$`),
  );
  return [...found].map((route) => {
    const plain = route.replace(/[.:]$/, '');
    return { kind: 'route', text: route, isKnown: patterns.some((pattern) => pattern.test(plain)) };
  });
}

/** Words in capitals with an underscore are variables; so is what stands before `=` in commands. */
function variablesIn(text: string, { isVariable }: Known): Mention[] {
  const names = new Set([
    ...[...text.matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g)].map(([name]) => name),
    ...[...text.matchAll(/(?:^|[\s`])([A-Z]{3,})=\S/gm)].map(([, name = '']) => name),
  ]);
  return [...names].map((name) => ({ kind: 'variable', text: name, isKnown: isVariable(name) }));
}

/** `github.…` and `schedulerOptions.…` in words, and the keys of JSON blocks. */
function settingsIn(text: string, { isServiceSetting, isProjectSetting }: Known): Mention[] {
  const setting = (key: string, isKnown: boolean): Mention => ({ kind: 'setting', text: key, isKnown });
  const project = [...text.matchAll(/`(github(?:\.\w+)+)`/g)].map(([, key = '']) => key);
  const service = [...text.matchAll(/`(schedulerOptions\.\w+)`/g)].map(([, key = '']) => key);
  const blocks = [...text.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, json = '']) => JSON.parse(json));
  return [
    ...project.map((key) => setting(key, isProjectSetting(key))),
    ...service.map((key) => setting(key, isServiceSetting(key))),
    ...blocks.flatMap((block) =>
      keysOf(block).map((key) =>
        setting(key, 'version' in block ? isProjectSetting(key) : isServiceSetting(key)),
      ),
    ),
  ];
}

function keysOf(value: object): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const isGroup = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
    return isGroup ? keysOf(inner).map((rest) => `${key}.${rest}`) : [key];
  });
}

/** Paths into the repository's folders, in backticks or as arguments. A path that ends in `/` is a folder. */
function filesIn(text: string, { exists }: Known): Mention[] {
  const paths = [...text.matchAll(/(?<![\w/.(-])((?:src|test|scripts|docs|\.ci)\/[\w./-]*\w)/g)];
  return paths.map(([, path = '']) => ({ kind: 'file', text: path, isKnown: exists(path) }));
}

function linksIn(from: string, text: string, { exists, anchorsOf }: Known): Mention[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  const relative = targets.filter((target) => !/^https?:/.test(target));
  return relative.map((target) => {
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? from : new URL(file, `file:///${from}`).pathname.slice(1);
    const isKnown = anchor === undefined ? exists(path) : anchorsOf(path)?.has(anchor) === true;
    return { kind: 'link', text: target, isKnown };
  });
}
