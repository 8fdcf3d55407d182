// Who may import whom. One table of rooms, one of packages; the rules are made from them.
// A new room has to be entered here before anything in it may be imported.

/** Rooms are folders of src, or single files there. Everyone may also use EVERYONE and its own files. */
const USES = {
  main: ['cli', 'app', 'config', 'version'],
  index: ['app', 'config', 'embed', 'git', 'version'],
  cli: ['app', 'reader', 'client', 'mcp', 'doctor', 'config', 'github', 'version'],
  doctor: ['git'],
  // The app on a database that no service uses.
  reader: ['app', 'config', 'runner', 'service', 'store'],
  app: ['pipeline', 'pipeline-ports', 'service', 'runner', 'projects', 'http', 'config', 'version'].concat([
    'watch',
    'detect',
    'queue',
    'git',
    'guard',
    'github',
    'notices',
    'store',
    'events',
  ]),
  embed: ['projects', 'detect', 'store'],
  // The story and its chapters: the only place where the rooms below meet.
  pipeline: ['pipeline-ports', 'runner', 'projects', 'version'].concat([
    'watch',
    'detect',
    'queue',
    'git',
    'guard',
    'github',
    'store',
    'events',
  ]),
  'pipeline-ports': ['runner', 'watch', 'detect', 'queue', 'git', 'guard', 'github', 'store', 'events'],
  runner: ['pipeline-ports', 'projects', 'version'].concat([
    'watch',
    'detect',
    'queue',
    'git',
    'guard',
    'github',
    'store',
    'events',
  ]),
  service: ['pipeline-ports', 'runner', 'projects', 'version'].concat([
    'watch',
    'detect',
    'queue',
    'git',
    'github',
    'store',
    'events',
  ]),
  projects: ['runner', 'detect', 'git', 'store', 'events'],
  http: ['queue', 'store', 'events', 'version', 'client', 'mcp'],
  // For other programs: the same, without a line of the service.
  client: ['http/schemas'],
  react: ['client'],
  // The API for MCP clients: tools over the client.
  mcp: ['client'],
  // The page: knows the API's shapes as types, and asks over HTTP.
  dashboard: ['http/schemas'],
  // These know nothing of each other.
  watch: [],
  detect: ['git'],
  queue: ['store'],
  git: [],
  guard: [],
  github: [],
  // Tells people outside; knows projects as they are stored.
  notices: ['store', 'events', 'version'],
  store: [],
  events: [],
  config: [],
  model: [],
  host: [],
  version: [],
};

/** Types and pure rules, what the machine lends, the settings, and the shape of events. */
const EVERYONE = [
  '^src/model/',
  '^src/host/(?!node\\.ts$|deno\\.ts$|load\\.ts$)',
  '^src/config/settings\\.ts$',
  '^src/events/types\\.ts$',
];

/** Packages that only these rooms may import. `@scope` means the whole scope. */
const PACKAGES = {
  chokidar: ['watch'],
  libsql: ['store'],
  '@libsql': ['store'],
  'isomorphic-git': ['git'],
  hono: ['http', 'host'],
  '@hono': ['http', 'host'],
  '@octokit': ['github'],
  '@secretlint': ['guard'],
  ws: ['host'],
  commander: ['cli'],
  croner: ['model'],
  pino: ['host'],
  'prom-client': ['http'],
  preact: ['dashboard'],
  '@modelcontextprotocol': ['mcp'],
  react: ['react'],
  'react-dom': [],
};

// `room` as a folder or as a file.
const pathOf = (room) => `^src/${room}(?:/|\\.ts$)`;

const roomRules = Object.entries(USES).map(([room, used]) => ({
  name: `room-${room}`,
  comment: `${room} may use ${used.join(', ') || 'no other room'}.`,
  severity: 'error',
  from: { path: pathOf(room) },
  to: { path: '^src/', pathNot: [...[room, ...used].map(pathOf), ...EVERYONE, '^src/host/load\\.ts$'] },
}));

const packageRules = Object.entries(PACKAGES).map(([name, rooms]) => ({
  name: `package-${name}`,
  comment: `Only ${rooms.join(' and ')} may import ${name}.`,
  severity: 'error',
  from: { path: '^src/', pathNot: rooms.map(pathOf) },
  // Unresolved modules keep the name that was written.
  to: { path: `(?:^|node_modules/)${name}(?:/|$)` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...roomRules,
    ...packageRules,
    {
      name: 'unknown-room',
      comment: 'Enter the new room in .dependency-cruiser.cjs.',
      severity: 'error',
      from: { path: '^src/', pathNot: Object.keys(USES).map(pathOf) },
      to: {},
    },
    {
      name: 'unknown-room-used',
      comment: 'Enter the new room in .dependency-cruiser.cjs.',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: Object.keys(USES).map(pathOf) },
    },
    {
      name: 'runtime-only-by-load',
      comment: 'Only host/load.ts chooses a runtime.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/host/load\\.ts$' },
      to: { path: '^src/host/(?:node|deno)\\.ts$' },
    },
    {
      name: 'load-only-by-entries',
      comment: 'Entries load the runtime; everyone else gets it passed.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['main', 'index', 'cli', 'embed'].map(pathOf) },
      to: { path: '^src/host/load\\.ts$' },
    },
    {
      name: 'source-alone',
      comment: 'The product never imports its tests or scripts.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(?:test|scripts)/' },
    },
    {
      name: 'no-cycles',
      comment: 'No circles, not even of types.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'What cannot be found cannot be checked.',
      severity: 'error',
      from: { path: '^(?:src|test|scripts)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    moduleSystems: ['es6'],
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
