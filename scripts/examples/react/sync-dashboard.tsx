/** @jsxImportSource react */
// The historic example: a component that shows the service. Live, where it once polled.

// In a program of your own: import { useSyncService } from 'gitferry/react';
import { useSyncService } from '../../../src/react/index.ts';

export function SyncDashboard({ url }: { url: string }) {
  const { status, projects, triggerSync, connection, error } = useSyncService({ url });

  return (
    <main>
      <h1>GitHub Sync Status</h1>

      <p>Service: {status?.serviceRunning ? '🟢 Running' : '🔴 Stopped'}</p>
      <p>Queue: {status?.scheduler.stats.queueSize ?? 0} items</p>
      <p>Active: {status?.scheduler.stats.activeSyncs ?? 0} syncs</p>
      {connection === 'lost' && <p role="alert">{error?.detail}</p>}

      <h2>Projects</h2>
      <ul>
        {projects.map((project) => (
          <li key={project.projectId}>
            {project.projectName} {project.github.enabled ? '✅' : '❌'}{' '}
            {project.hasPendingChanges && <span>🔄 Pending</span>} <span>{project.state}</span>{' '}
            <button type="button" onClick={() => triggerSync(project.projectId)}>
              Sync Now
            </button>
          </li>
        ))}
      </ul>
    </main>
  );
}
