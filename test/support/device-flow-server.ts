// A host's device flow, as GitHub's documentation describes it, with the one API route that tells whose a token is.
// Binds loopback only; knows no test framework.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type DeviceFlow = {
  clientId: string;
  /** What the host answers to each question for the token, in order; the last one again and again. */
  answers: ('authorization_pending' | 'slow_down' | 'access_denied' | 'expired_token' | 'granted')[];
  token: string;
  /** Headers of `GET /user`. */
  userHeaders?: Record<string, string>;
  /** Tokens end, as those of GitHub Apps do: how long they and their renewals are good, seconds. */
  expiring?: { token: number; renewal: number };
};

export async function startDeviceFlowServer(flow: DeviceFlow) {
  const requests: { path: string; body: Record<string, unknown>; authorization: string | null }[] = [];
  let asked = 0;
  let renewals = 0;
  const tokenNow = () => (renewals === 0 ? flow.token : `${flow.token}-${renewals}`);
  const granted = () => ({
    ...{ access_token: tokenNow(), token_type: 'bearer' },
    ...(flow.expiring === undefined
      ? { scope: 'repo,workflow' }
      : {
          ...{ expires_in: flow.expiring.token, scope: '' },
          ...{ refresh_token: `ghr_renewal-${renewals}`, refresh_token_expires_in: flow.expiring.renewal },
        }),
  });
  const server = createServer((request, response) => {
    void readJson(request).then((body) => {
      const path = request.url ?? '';
      requests.push({ path, body, authorization: request.headers.authorization ?? null });
      answer(path, body, request, response);
    });
  });

  function answer(
    path: string,
    body: Record<string, unknown>,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    if (path === '/login/device/code') {
      if (body.client_id !== flow.clientId) return json(response, 404, { error: 'Not Found' });
      return json(response, 200, {
        ...{ device_code: 'device-1', user_code: 'WDJB-MJHT', verification_uri: `${url()}/login/device` },
        ...{ expires_in: 900, interval: 0 },
      });
    }
    if (path === '/login/oauth/access_token' && body.grant_type === 'refresh_token') {
      // Good once, for the app that has it; then the token before it ends too.
      const isGood = body.client_id === flow.clientId && body.refresh_token === `ghr_renewal-${renewals}`;
      if (!isGood) return json(response, 200, { error: 'bad_refresh_token', error_description: 'no' });
      renewals += 1;
      return json(response, 200, granted());
    }
    if (path === '/login/oauth/access_token') {
      const next = flow.answers[Math.min(asked++, flow.answers.length - 1)];
      if (next !== 'granted') return json(response, 200, { error: next, error_description: next });
      return json(response, 200, granted());
    }
    if (path === '/api/v3/user') {
      const isGood = request.headers.authorization === `token ${tokenNow()}`;
      return isGood
        ? json(response, 200, { login: 'ada' }, flow.userHeaders)
        : json(response, 401, { message: 'Bad credentials' });
    }
    return json(response, 404, { message: 'Not Found' });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = () => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = () => `http://${host()}`;
  return {
    requests,
    host: host(),
    apiUrl: `${url()}/api/v3`,
    async stop(): Promise<void> {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}
