// The keys, in a dialog.

import { Dialog } from './dialog.tsx';

const KEYS = [
  ['/', 'Search projects'],
  ['1 – 9', 'Go to a view'],
  ['↑ ↓', 'Move through the list of projects'],
  ['Enter', 'Open a project'],
  ['s', 'Sync the project you are on'],
  ['p', 'Pause it, or let it go on'],
  ['Esc', 'Close'],
  ['?', 'Show these keys'],
];

export function KeyHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
