// Where a redirect leads to, and whether it may be followed. Pure.

import { Failure } from '../../model/failure.ts';
import { displayUrl, isLoopback, parseRemoteUrl } from './remote-url.ts';

type Redirected = {
  method: 'GET' | 'POST';
  from: string;
  response: Pick<Response, 'status' | 'headers'>;
  /** Made so far for the same question. */
  requests: number;
};

const MOST_REDIRECTS = 5;

/** @throws Failure `redirect-refused` for uploads, for what is not encrypted or no http, and for too many */
export function redirectTarget({ method, from, response, requests }: Redirected): string {
  const location = response.headers.get('location') ?? '';
  const { host } = parseRemoteUrl(from);
  const refuse = (why: string) =>
    new Failure('redirect-refused', `${displayUrl(from)} redirects ${why}.`, {
      data: { host, status: response.status },
    });
  if (!URL.canParse(location, from)) throw refuse('without naming an address');
  const target = displayUrl(new URL(location, from).href);
  const { kind, host: nextHost } = parseRemoteUrl(target);
  if (kind !== 'https' && kind !== 'http') throw refuse(`to ${target}, which is not http`);
  if (method === 'POST') throw refuse(`an upload to ${target}`);
  if (requests > MOST_REDIRECTS) throw refuse(`more than ${MOST_REDIRECTS} times`);
  if (kind === 'http' && from.startsWith('https:') && !isLoopback(nextHost)) {
    throw refuse(`to ${target}, which is not encrypted`);
  }
  return target;
}
