// What a delivery of GitHub says, as far as it concerns projects. Pure; must not know who sent it, or what is done.
// A delivery is a hint like a file event: it says where to look, and the remote says what is there.

import { z } from 'zod';

/** The addresses by which a project may know the repository; `fullName` is `owner/name`. */
export type WebhookRepository = { fullName: string; urls: string[] };

export type WebhookNews =
  | { kind: 'ping'; repository: WebhookRepository | null }
  | {
      kind: 'push';
      repository: WebhookRepository;
      ref: string;
      /** The branch's new tip; null when it was deleted. */
      after: string | null;
      /** The push in words, for example `created refs/heads/main`. */
      what: string;
    }
  /** It has another name or owner; `former` are the addresses it had. */
  | { kind: 'moved'; repository: WebhookRepository; former: WebhookRepository }
  | { kind: 'archived' | 'unarchived' | 'deleted'; repository: WebhookRepository }
  /** What the app may reach has changed; without names, all that belongs to `account`. */
  | {
      kind: 'access';
      granted: boolean;
      account: string;
      host: string;
      fullNames: string[] | null;
      what: string;
    }
  | { kind: 'other'; what: string };

const Repository = z.object({
  full_name: z.string().regex(/^[^/\s]+\/[^/\s]+$/),
  clone_url: z.url(),
  ssh_url: z.string().min(1).optional(),
});
const Oid = z.string().regex(/^[0-9a-f]{40,64}$/);
const Push = z.object({
  ref: z.string().startsWith('refs/'),
  after: Oid,
  created: z.boolean().default(false),
  deleted: z.boolean().default(false),
  forced: z.boolean().default(false),
  repository: Repository,
});
const Login = z.object({ login: z.string().min(1) });
const RepositoryEvent = z.object({
  action: z.string(),
  repository: Repository,
  changes: z
    .object({
      repository: z.object({ name: z.object({ from: z.string().min(1) }) }).optional(),
      owner: z
        .object({ from: z.object({ user: Login.optional(), organization: Login.optional() }) })
        .optional(),
    })
    .optional(),
});
const Ping = z.object({ repository: Repository.optional() });
const Names = z.array(z.object({ full_name: z.string().min(1) }));
const Installation = z.object({
  action: z.string(),
  installation: z.object({ account: Login, html_url: z.url() }),
  repositories: Names.optional(),
  repositories_added: Names.optional(),
  repositories_removed: Names.optional(),
});

const GRANTING = new Set(['created', 'unsuspend', 'new_permissions_accepted', 'added']);
const NO_OID = /^0+$/;

/** Reads a delivery. Unknown events and actions are `other`. @throws ZodError for a known event of another form */
export function readWebhookNews(event: string, payload: unknown): WebhookNews {
  switch (event) {
    case 'ping':
      return pingOf(Ping.parse(payload));
    case 'push':
      return pushOf(Push.parse(payload));
    case 'repository':
      return repositoryNews(RepositoryEvent.parse(payload));
    case 'installation':
    case 'installation_repositories':
      return accessNews(event, Installation.parse(payload));
    default:
      return { kind: 'other', what: event };
  }
}

function pingOf({ repository }: z.infer<typeof Ping>): WebhookNews {
  return { kind: 'ping', repository: repository ? repositoryOf(repository) : null };
}

function pushOf({ ref, after, created, deleted, forced, repository }: z.infer<typeof Push>): WebhookNews {
  const isGone = deleted || NO_OID.test(after);
  const verb = isGone ? 'deleted' : created ? 'created' : forced ? 'forced' : 'pushed';
  const what = `${verb} ${ref}`;
  return { kind: 'push', repository: repositoryOf(repository), ref, after: isGone ? null : after, what };
}

function repositoryNews({ action, repository, changes }: z.infer<typeof RepositoryEvent>): WebhookNews {
  const now = repositoryOf(repository);
  if (action === 'archived' || action === 'unarchived' || action === 'deleted') {
    return { kind: action, repository: now };
  }
  const [owner = '', name = ''] = now.fullName.split('/');
  const from = changes?.owner?.from;
  const oldName = changes?.repository?.name.from ?? name;
  const oldOwner = from?.user?.login ?? from?.organization?.login ?? owner;
  const former = `${oldOwner}/${oldName}`;
  if ((action === 'renamed' || action === 'transferred') && former !== now.fullName) {
    return { kind: 'moved', repository: now, former: renamed(now, former) };
  }
  return { kind: 'other', what: `repository ${action}` };
}

function accessNews(event: string, payload: z.infer<typeof Installation>): WebhookNews {
  const { action, installation, repositories, repositories_added, repositories_removed } = payload;
  const known = ['created', 'deleted', 'suspend', 'unsuspend', 'new_permissions_accepted'];
  const isChange = event === 'installation' ? known.includes(action) : /^(?:added|removed)$/.test(action);
  if (!isChange) return { kind: 'other', what: `${event} ${action}` };
  const named =
    event === 'installation' ? repositories : changedNames(action, repositories_added, repositories_removed);
  return {
    kind: 'access',
    granted: GRANTING.has(action),
    account: installation.account.login,
    host: new URL(installation.html_url).host,
    fullNames: named === undefined ? null : named.map(({ full_name }) => full_name),
    what: `${event} ${action}`,
  };
}

type NameList = z.infer<typeof Names>;
const changedNames = (action: string, added: NameList = [], removed: NameList = []) =>
  action === 'added' ? added : removed;

function repositoryOf({ full_name, clone_url, ssh_url }: z.infer<typeof Repository>): WebhookRepository {
  return { fullName: full_name, urls: [clone_url, ...(ssh_url === undefined ? [] : [ssh_url])] };
}

/** The same repository under another name: every address ends with it. */
function renamed({ fullName, urls }: WebhookRepository, former: string): WebhookRepository {
  return { fullName: former, urls: urls.map((url) => replaceLast(url, fullName, former)) };
}

function replaceLast(text: string, part: string, other: string): string {
  const at = text.lastIndexOf(part);
  return at < 0 ? text : text.slice(0, at) + other + text.slice(at + part.length);
}
