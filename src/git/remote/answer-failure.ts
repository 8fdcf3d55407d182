// An HTTP answer that is no success as a failure: the code of classify.ts with the facts by which gates pause.

import { Failure } from '../../model/failure.ts';
import { classifyRejection } from './classify.ts';

type RefusedAnswer = {
  host: string;
  status: number;
  headers: Headers;
  body: string;
  hasCredential: boolean;
  nowMs: number;
};

/** `data` holds host and status, and what the host said of request id, quota and pause. */
export function answerFailure(answer: RefusedAnswer): Failure {
  const { host, status, headers } = answer;
  const verdict = classifyRejection(answer);
  const words = hasWords(verdict.detail, status) ? `: ${verdict.detail}` : ' without a word of why.';
  return new Failure(verdict.code, `${host} answered ${status}${words}`, {
    data: {
      host,
      status,
      ...fact('requestId', headers.get('x-github-request-id')),
      ...fact('remaining', count(headers.get('x-ratelimit-remaining'))),
      ...fact('limit', count(headers.get('x-ratelimit-limit'))),
      ...fact('retryAfterMs', verdict.retryAfterMs),
      ...(verdict.code === 'rate-limited' ? { gate: `host:${host}` } : {}),
    },
  });
}

/** Where the host said nothing that a person could read, the verdict repeats the status. */
const hasWords = (detail: string, status: number) => detail !== `HTTP status ${status}`;

const fact = (name: string, value: string | number | null | undefined) =>
  value === null || value === undefined ? {} : { [name]: value };

const count = (text: string | null) => (text !== null && /^\d+$/.test(text) ? Number(text) : null);
