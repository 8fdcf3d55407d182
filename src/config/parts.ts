// The settings as those who use several of them want them.

import type { Config } from './settings.ts';

export function pipelineSettings(config: Config) {
  return {
    scanIntervalMs: config['schedulerOptions.scanInterval'],
    pollIntervalMs: config.pollIntervalMs,
    maxConcurrentSyncs: config['schedulerOptions.maxConcurrentSyncs'],
    maxSyncsPerCredential: config.maxSyncsPerCredential,
    maxRetries: config['schedulerOptions.maxRetries'],
    retryDelayMs: config['schedulerOptions.retryDelay'],
    rateLimitDelayMs: config['schedulerOptions.rateLimitDelay'],
    jobTimeoutMs: config.jobTimeoutMs,
    shutdownGraceMs: config.shutdownGraceMs,
  };
}

export function accessOf({ apiToken, corsOrigin, host, allowedHosts }: Config) {
  return { apiToken, corsOrigin, boundHost: host, allowedHosts };
}
