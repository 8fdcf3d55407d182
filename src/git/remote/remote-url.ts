// What a remote URL says: pure text work, no network, no configuration.
// Everything that is shown or compared goes through here, so that credentials inside URLs never travel on.

type RemoteUrl = {
  kind: 'https' | 'http' | 'ssh' | 'file' | 'unknown';
  /** `host` or `host:port`, lower case; the default port is left out; empty for files and unknown forms. */
  host: string;
  /** Without a leading slash for network URLs, as written otherwise. */
  path: string;
  /** A password or token stands in the URL; an ssh user name alone is none. */
  hasCredentials: boolean;
};

// Hosts that serve the same repository under the same path by ssh and by https.
const SAME_BY_HTTPS = new Set(['github.com', 'gitlab.com', 'bitbucket.org']);
const SSH_ALIASES: Record<string, string> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
  'altssh.bitbucket.org': 'bitbucket.org',
};

const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
// user@host:path. A single letter before the colon is a Windows drive.
const SCP_LIKE = /^(?:([^@/\s]+)@)?(\[[0-9a-f:]+\]|[^:/\s]{2,}):(?!\/\/)(.+)$/i;

/** Never throws; what it cannot read is `unknown`. */
export function parseRemoteUrl(url: string): RemoteUrl {
  const text = url.trim();
  if (HAS_SCHEME.test(text)) return parseWithScheme(text);
  const scp = SCP_LIKE.exec(text);
  if (scp?.[2] !== undefined && scp[3] !== undefined) {
    const hasCredentials = scp[1]?.includes(':') ?? false;
    return {
      kind: 'ssh',
      host: scp[2].toLowerCase(),
      path: scp[3].replace(/^\/+/, ''),
      hasCredentials,
    };
  }
  if (text === '') return unknownUrl('');
  return { kind: 'file', host: '', path: text, hasCredentials: false };
}

function parseWithScheme(text: string): RemoteUrl {
  if (!URL.canParse(text)) return unknownUrl(text);
  const url = new URL(text);
  const scheme = url.protocol.slice(0, -1).toLowerCase();
  if (scheme === 'file') {
    return { kind: 'file', host: '', path: decodeURIComponentSafely(url.pathname), hasCredentials: false };
  }
  const kind = kindOf(scheme);
  if (kind === 'unknown' || url.hostname === '') return unknownUrl(text);
  const port = kind === 'ssh' && url.port === '22' ? '' : url.port;
  return {
    kind,
    host: (port === '' ? url.hostname : `${url.hostname}:${port}`).toLowerCase(),
    path: url.pathname.replace(/^\/+/, ''),
    hasCredentials: url.password !== '' || (kind !== 'ssh' && url.username !== ''),
  };
}

function kindOf(scheme: string): RemoteUrl['kind'] {
  if (scheme === 'https' || scheme === 'http') return scheme;
  return scheme === 'ssh' || scheme === 'git+ssh' || scheme === 'ssh+git' ? 'ssh' : 'unknown';
}

const unknownUrl = (text: string): RemoteUrl => ({
  kind: 'unknown',
  host: '',
  path: withoutUserInfo(text),
  hasCredentials: withoutUserInfo(text) !== text,
});

/**
 * The https address of the same repository without credentials, or null: an https URL itself, and ssh URLs of
 * hosts known to serve both (github.com, gitlab.com, bitbucket.org).
 */
export function httpsEquivalent(url: string): string | null {
  const remote = parseRemoteUrl(url);
  if (remote.kind === 'https') return displayUrl(url);
  if (remote.kind !== 'ssh') return null;
  const name = remote.host.replace(/:\d+$/, '');
  const host = SSH_ALIASES[name] ?? name;
  return SAME_BY_HTTPS.has(host) ? `https://${host}/${remote.path}` : null;
}

/** The URL as it may be shown, stored and requested: without user name and password (an ssh user stays). */
export function displayUrl(url: string): string {
  const text = url.trim();
  if (parseRemoteUrl(text).kind === 'ssh')
    return text.replace(/^((?:[a-z+]+:\/\/)?[^/\s:@]+):[^/\s@]*@/i, '$1@');
  return withoutUserInfo(text);
}

// Greedy: a password may itself hold an unescaped `@`.
function withoutUserInfo(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');
}

/** The address of `owner/name` on the same host, written as `url` is; null when that cannot be. */
export function addressOf(url: string, fullName: string): string | null {
  const text = displayUrl(url);
  const { kind, path } = parseRemoteUrl(text);
  const isName =
    /^[\w.-]+\/[\w.-]+$/.test(fullName) && !fullName.split('/').some((part) => /^\.+$/.test(part));
  if (!isName || !['https', 'http', 'ssh'].includes(kind) || path === '' || !text.endsWith(path)) return null;
  const ending = /\.git\/*$/.test(path) ? '.git' : '';
  return text.slice(0, -path.length) + fullName + ending;
}

/** Whether both name the same repository on the same host, whatever the scheme, `.git` and trailing slashes. */
export function sameRemote(a: string, b: string): boolean {
  return normalRemote(a) === normalRemote(b);
}

/** One text for all addresses of the same repository: a key for locks and comparisons, not an address. */
export function normalRemote(url: string): string {
  const https = httpsEquivalent(url);
  const remote = parseRemoteUrl(https ?? url);
  const path = remote.path.replace(/\/+$/, '').replace(/\.git$/, '');
  // The known hosts take paths in any case; others may not.
  const comparable = SAME_BY_HTTPS.has(remote.host) ? path.toLowerCase() : path;
  const kind = remote.kind === 'http' ? 'https' : remote.kind;
  return `${kind}//${remote.host}/${comparable}`;
}

/** True for this machine itself; `host` may carry a port. */
export function isLoopback(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true;
  return /^127\.(?:\d{1,3}\.){2}\d{1,3}$/.test(name);
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray percent sign is part of the name.
    return text;
  }
}
