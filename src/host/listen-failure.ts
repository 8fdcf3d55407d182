// A port that cannot be had, told so that the person knows which setting to change.

import { Failure } from '../model/failure.ts';

export function listenFailure(error: unknown, options: { hostname: string; port: number }): unknown {
  const { code, name } = error as { code?: string; name?: string };
  const at = `${options.hostname}:${options.port}`;
  if (code === 'EADDRINUSE' || name === 'AddrInUse') {
    return new Failure('port-in-use', `Port ${options.port} on ${options.hostname} is in use.`, {
      cause: error,
    });
  }
  if (code === 'EACCES' || name === 'PermissionDenied') {
    return new Failure('port-in-use', `This user may not listen on ${at}.`, { cause: error });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || name === 'AddrNotAvailable') {
    return new Failure('port-in-use', `The address ${at} does not belong to this machine.`, {
      cause: error,
      action: 'Choose another address: --host, SYNC_API_HOST, or "host" in gitferry.json.',
    });
  }
  return error;
}
