/** @jsxImportSource react */
// Puts the component into the page. `?service=` names another address than the usual one.

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { SyncDashboard } from './sync-dashboard.tsx';

const url = new URLSearchParams(location.search).get('service') ?? 'http://localhost:3001';
const root = document.getElementById('root');
if (root === null) throw new Error('The page has no element "root".');
createRoot(root).render(
  <StrictMode>
    <SyncDashboard url={url} />
  </StrictMode>,
);
