// Every code a person or program can meet: how it is retried, what a person can do.
// To add one: a row here (answers to requests: in request-failures.ts); its recognition in the room that sees it; a
// test there.

import { backoff, type FailureRow, gate, never, soon } from './failure-row.ts';
import { githubFailures } from './github-failures.ts';
import { requestFailures } from './request-failures.ts';

const FINISH = 'Finish or abort it with git; syncing goes on by itself afterwards.';
const WAITS = 'Nothing to do: it is tried again by itself.';

const folder = {
  'folder-missing': never(
    'Bring the folder back (mount the drive, undo the move): the next scan finds it, `gitferry sync` at once. Or remove the project.',
  ),
  'folder-unreadable': never('Give the user that runs gitferry permission to read the folder.'),
  'not-a-repository': never(
    'Make it one (`git init` there, or `gitferry add --init`), or name another folder.',
  ),
  'project-file-invalid': never(
    'Correct project.json at the named position; gitferry never overwrites a broken file.',
  ),
  'database-in-project': never(
    'Add the database to the .gitignore there, or start gitferry with another place for it: --db or SYNC_DB_PATH.',
  ),
  'bare-repository': never('Name the folder with the working files; a bare repository has none.'),
  'unsupported-object-format': never(
    'gitferry handles SHA-1 repositories; convert or sync this one by hand.',
  ),
  'unsupported-ref-storage': never(
    'gitferry handles the files ref storage; run `git refs migrate --ref-format=files`.',
  ),
  'unsupported-extension': never(
    'This repository uses a git extension that gitferry does not know; sync it by hand.',
  ),
  'broken-head': never('Repair HEAD, for example with `git symbolic-ref HEAD refs/heads/main`.'),
  'broken-ref': never('Repair the named ref with git (`git fsck` says more).'),
  'ref-conflict': never('Rename or delete the branch whose name stands in the way.'),
  'git-config-invalid': never(
    'Correct the named git configuration; `git config --list --show-origin` shows it.',
  ),
  'index-corrupt': never('Rebuild the index: move .git/index away and run `git reset`.'),
  'index-locked': never(
    'If no git command is running there, remove .git/index.lock; gitferry never deletes it.',
  ),
  'object-missing': never('Run `git fsck` in the project; restore the missing object from another clone.'),
  'object-corrupt': never('Run `git fsck` in the project; restore the damaged object from another clone.'),
  'merge-in-progress': never(FINISH),
  'rebase-in-progress': never(FINISH),
  'cherry-pick-in-progress': never(FINISH),
  'revert-in-progress': never(FINISH),
  'bisect-in-progress': never('End it with `git bisect reset`; syncing goes on by itself afterwards.'),
  'unmerged-entries': never(
    'Resolve the conflicted files and `git add` them; syncing goes on by itself afterwards.',
  ),
  'detached-head': never('Switch to a branch (`git switch main`); syncing goes on by itself afterwards.'),
  'needs-system-git': never(
    'The built-in engine must not touch this repository; see docs for the system git engine.',
  ),
  'mcp-git-refused': never(
    'The git tools of the MCP client cannot do this safely; set github.engine to "auto".',
  ),
  'mcp-git-failed': backoff('See whether the MCP server with the git tools runs and is still connected.'),
  'git-missing': never('Install git, 2.36 or newer, for the user that runs gitferry.'),
  'git-failed': backoff('Run the same git command by hand in the project; it says more.'),
  'lfs-missing': never('Install git-lfs and run `git lfs install`; syncing goes on by itself afterwards.'),
  'filter-failed': never('Correct the filter that the project names in .gitattributes, then save again.'),
  'commit-hook-refused': never('Read what the hook says and correct it; the next save tries again.'),
  'commit-hook-edited': never(
    'Let the hook put only into the commit what is in the work tree, or commit by hand.',
  ),
  'commit-signing-failed': never(
    'Make the signing key usable without a question (an agent), or set commit.gpgSign to false.',
  ),
  'push-hook-refused': never('Read what the pre-push hook says and correct it; the next save tries again.'),
  'identity-missing': never('Set who you are: `git config --global user.name "..."` and `user.email "..."`.'),
  'branch-not-synced': never(
    'Switch to a synced branch, or add this one to github.syncBranches. When you have pushed it by hand: `gitferry sync` sees that at once.',
  ),
  'remote-missing': never('Add one: `git remote add origin <url>`, or set github.remoteUrl.'),
  'remote-unsupported': never('Use an https address with a token, or an SSH address.'),
  'message-command-not-allowed': never(
    'Allow such commands on this machine (SYNC_ALLOW_MESSAGE_COMMANDS=true, or "allowMessageCommands" in gitferry.json), or use a text.',
  ),
  'snapshot-branch-checked-out': never('Switch to another branch; snapshots are never worked on directly.'),
  'snapshot-branch-foreign': never(
    'Rename the named branch (`git branch -m <branch> <new name>`); its name is where snapshots are kept.',
  ),
  'integrate-blocked-by-local-changes': never(
    'Commit, undo or move the named local changes; the remote changes come in by themselves afterwards.',
  ),
  'branch-in-use': never('Leave the branch in the other work tree; syncing goes on by itself afterwards.'),
  'submodule-unpushed': never(
    'Push the submodule first (`git push` in its folder); what it stands at is recorded by itself afterwards.',
  ),
  'mass-deletion': never(
    'If the deletion is meant, confirm it (`gitferry hold list <project>` shows how, and so does the page) or commit it with git; otherwise bring the files back.',
  ),
  'secret-in-commit': never(
    'Take it out of the unpushed commits (`git rebase -i`) and revoke the secret; if it is none, release it (`gitferry hold release <project> <path>`, or on the page).',
  ),
  'disk-full': backoff('Free some disk space.'),
  'file-unreadable': backoff('Give the user that runs gitferry permission to read the file.'),
  'write-refused': backoff('Give the user that runs gitferry permission to write to .git.'),
  'file-changing': soon(WAITS),
  'ref-moved': soon(WAITS),
  'repository-busy': soon(WAITS),
  'index-busy': soon(WAITS),
  'git-at-work': soon('Nothing to do: it goes on when the git commands there have ended.'),
} as const satisfies Record<string, FailureRow>;

const remote = {
  offline: gate('Check the network; syncing goes on by itself when the host answers.'),
  'rate-limited': gate('Nothing to do: syncing goes on when the pause is over.'),
  'remote-timeout': backoff(WAITS),
  'remote-error': backoff(WAITS),
  'remote-invalid-answer': backoff(
    'Check that the remote URL is a git repository and no login page answers for it.',
  ),
  'ssh-refused': never(
    'Put the key into an agent or name it in ~/.ssh/config; `ssh -T git@<host>` must work without a question.',
  ),
  'ssh-host-unknown': never('Connect once by hand (`ssh <host>`) and check the fingerprint.'),
  'redirect-refused': never('Set the remote to the address it now redirects to.'),
  'insecure-remote': never('Use https: credentials are never sent over plain http except to this machine.'),
  'push-forbidden': never('Give the token write access to the contents of this repository.'),
  'sso-required': never('Authorise the token for the organisation at the address in the message.'),
  'account-suspended': gate(
    'Contact the host: the account is suspended or disabled. All its projects wait; it is asked again every hour, or when you trigger one.',
  ),
  'repository-archived': never(
    'Unarchive the repository on the host, or disable this project. It is asked again every hour, or when you trigger or resume it.',
  ),
  'repository-not-found': never('Create the repository, correct the URL, or give the token access to it.'),
  'repository-renamed': never('Set the remote to the new address.'),
  'remote-ahead': never(
    'Bring the remote changes in (for example `git pull --rebase origin main`); syncing goes on by itself afterwards.',
  ),
  'remote-diverged': never(
    'Bring both sides together (for example `git pull --rebase origin main`); syncing goes on by itself afterwards.',
  ),
  'mirror-moved-on': never(
    'Bring its commits in yourself (git pull <address> <branch>), or start the mirror anew: a mirror is never merged from and never forced. Every sync looks again.',
  ),
  'content-conflict': never(
    'Both sides are on the remote. Choose mine, theirs or both (`gitferry conflict <project>`, or on the page), or merge with git.',
  ),
  'unrelated-histories': never(
    'Check the remote address: the branch there shares no commit with the one here.',
  ),
  'history-incomplete': never('Make the clone whole: `git fetch --unshallow`.'),
  'remote-path-unsafe': never('The named path must not be written here; take it out of the branch with git.'),
  'push-rejected-non-fast-forward': never(
    'Bring the remote changes in (for example `git pull --rebase origin main`); syncing goes on by itself afterwards.',
  ),
  'push-rejected-large-file': never('Take the large file out of the unpushed commits, or use Git LFS.'),
  'push-too-large': never('Push this history in parts with git once; later changes are small.'),
  'push-rejected-protected-branch': never('Allow pushes to this branch on the host, or sync another branch.'),
  'push-rejected-private-email': never(
    "Commit with your host's no-reply address, or allow the address there.",
  ),
  'push-rejected-missing-lfs': never('Push the LFS objects with git-lfs.'),
  'push-rejected-secret': never(
    'Take the secret out of the unpushed commits and revoke it; gitferry never bypasses this.',
  ),
  'push-rejected-ruleset': never("Change the repository's rules, or sync another branch."),
  'push-rejected-workflow-scope': never(
    'Give the token the `workflow` scope, or Workflows: write if it is a fine-grained one or of an app.',
  ),
  'push-rejected-hook': never('Read the message of the remote and change what it refuses.'),
  'push-rejected': never('Read the message of the remote, then trigger a sync.'),
} as const satisfies Record<string, FailureRow>;

const service = {
  'not-compared': soon(
    'Nothing to do while the service runs: it is looked at within moments. Otherwise start it.',
  ),
  'quiet-hours': never('Nothing to do. To sync now all the same: `gitferry sync`, or on the page.'),
  'job-timeout': backoff(WAITS),
  'lease-lost': soon(WAITS),
  aborted: soon(WAITS),
  crashed: backoff('If it happens again, read the log: a sync ended together with its process.'),
  'internal-error': backoff('This is a fault in gitferry: report it with the log.'),
  'file-held': never(
    'Release the file once or for ever (`gitferry hold release <project> <path>`, or on the page), or keep it out of git (.gitignore).',
  ),
  'invalid-config': never('Correct the named settings; nothing was started.'),
  'port-in-use': never('Choose another port: --port, SYNC_API_PORT, or "port" in gitferry.json.'),
  'unsafe-bind': never('Set SYNC_API_TOKEN, or bind to localhost.'),
  'database-in-use': never('Stop the other gitferry, or choose another file: --db or SYNC_DB_PATH.'),
  'database-corrupt': never(
    'Restore a backup, or move the file away to start with an empty one; it is never replaced.',
  ),
  'database-read-only': never(
    'Make the file and its folder writable, or choose another: --db or SYNC_DB_PATH.',
  ),
  'database-older': never('Start the service once: it brings the database up to date.'),
  'database-missing': never('Start the service, or name its database: --db <file>.'),
  'database-newer': never('Use the newer gitferry that wrote this database.'),
  'database-unreachable': backoff('Check SYNC_DB_URL and the database server.'),
  'database-busy': soon(WAITS),
  'backup-exists': never('Name another file: a backup never replaces one.'),
  'backup-elsewhere': never(
    'Back up the server itself: sqld serves it as SQL at /dump; Turso: `turso db export`.',
  ),
  'machine-silent': soon('Start gitferry on that machine, or look whether it reaches the database server.'),
  'notice-failed': backoff('Look at the named target; what waits is sent together when it answers.'),
  'project-elsewhere': never('Ask the gitferry of the machine that holds the project.'),
} as const satisfies Record<string, FailureRow>;

export const FAILURES = { ...folder, ...remote, ...githubFailures, ...service, ...requestFailures };
export type FailureCode = keyof typeof FAILURES;

/** Faults of the folder itself: the project is blocked, and the next change or scan looks again by itself. */
export const STANDING_CODES: ReadonlySet<FailureCode> = new Set(
  Object.keys(folder) as (keyof typeof folder)[],
);

/** No sync is even begun: what is asked is not known, or it would commit what no project may have. */
export const UNTOUCHED_CODES: ReadonlySet<FailureCode> = new Set([
  'project-file-invalid',
  'database-in-project',
]);

/** States in which a project is blocked and its work still goes to a snapshot branch. */
export const PROTECTED_CODES: ReadonlySet<FailureCode> = new Set([
  'merge-in-progress',
  'rebase-in-progress',
  'cherry-pick-in-progress',
  'revert-in-progress',
  'bisect-in-progress',
  'unmerged-entries',
  'detached-head',
  'index-locked',
  'branch-not-synced',
  'mass-deletion',
  'message-command-not-allowed',
]);
