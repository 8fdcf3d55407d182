// Who calls the API, and what each role may do. Pure.

/** Each may do what those before it may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Names that no token may have: who calls without one, and who has SYNC_API_TOKEN. */
export const LOCAL_CALLER = 'local';
export const ADMIN_CALLER = 'admin';

/** `tokenId` is null for the two callers above. */
export type Caller = {
  readonly name: string;
  readonly role: Role;
  readonly tokenId: string | null;
};

export function includesRole(held: Role, needed: Role): boolean {
  return ROLES.indexOf(held) >= ROLES.indexOf(needed);
}
