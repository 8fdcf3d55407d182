// Whether a delivery was signed with one of our secrets. Must not know what it says.

import { verify } from '@octokit/webhooks-methods';

const SIGNATURE = /^sha256=[0-9a-f]{64}$/;

/**
 * The place of the secret that the body was signed with; -1 when it was signed with none of them. Compares in constant
 * time, and with every secret, so that the time does not tell which one fitted.
 */
export async function signingSecret(
  body: string,
  signature: string | null,
  secrets: readonly string[],
): Promise<number> {
  if (signature === null || !SIGNATURE.test(signature) || body === '') return -1;
  const verdicts = await Promise.all(secrets.map((secret) => verify(secret, body, signature)));
  return verdicts.indexOf(true);
}
