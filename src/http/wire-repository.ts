// What hosts say, as the wire shows it: no secret, no credentials in addresses.

import type { CredentialStatus, RepositoryStatus, UploadPreview, WantedRepository } from '../model/github.ts';
import type { WireCredential, WireUpload } from './schemas/repository.ts';
import { isoOrNull, wireReason, withoutCredentials } from './wire.ts';
import { wireHeldFile } from './wire-project.ts';

export function wireCredential({ reason, ...credential }: CredentialStatus): WireCredential {
  return {
    ...credential,
    source: credential.source as WireCredential['source'],
    stateReason: reason && wireReason(reason),
    expiresAt: isoOrNull(credential.expiresAt),
    checkedAt: isoOrNull(credential.checkedAt),
  };
}

export function wireRepository({ reason, ...repository }: RepositoryStatus) {
  return {
    ...repository,
    remoteUrl: withoutCredentials(repository.remoteUrl),
    stateReason: reason && wireReason(reason),
  };
}

export function wireUpload<Upload extends UploadPreview | null>(
  upload: Upload,
): Upload extends null ? WireUpload | null : WireUpload;
export function wireUpload(upload: UploadPreview | null): WireUpload | null {
  if (upload === null) return null;
  const { remoteUrl, held } = upload;
  return {
    ...upload,
    remoteUrl: remoteUrl === null ? null : withoutCredentials(remoteUrl),
    held: held.map(wireHeldFile),
  };
}

type Sent<T> = { [K in keyof T]?: T[K] | undefined };

/** Only the keys that were sent. */
export function wantedRepository(create: true | Sent<WantedRepository>): WantedRepository {
  if (create === true) return {};
  return Object.fromEntries(Object.entries(create).filter(([, value]) => value !== undefined));
}
