// Files that both sides changed in ways that cannot be brought together, and what a person may choose for them.

/** What became of the file on each side since their last common commit. `path` is display text. */
export type ConflictFile = {
  path: string;
  ours: 'modified' | 'deleted' | 'added';
  theirs: 'modified' | 'deleted' | 'added';
};

export const CONFLICT_CHOICES = ['mine', 'theirs', 'both'] as const;
/** Whose version a conflicting file gets; `both` keeps ours beside theirs under another name. */
export type ConflictChoice = (typeof CONFLICT_CHOICES)[number];
