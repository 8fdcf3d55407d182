// The buttons between the pages of a list.

import type { Pages } from './use-pages.ts';

export function Pager({ newer, older }: Pick<Pages<unknown>, 'newer' | 'older'>) {
  if (newer === null && older === null) return null;
  return (
    <nav class="buttons" aria-label="Pages">
      <button type="button" disabled={newer === null} onClick={() => newer?.()}>
        Newer
      </button>
      <button type="button" disabled={older === null} onClick={() => older?.()}>
        Older
      </button>
    </nav>
  );
}
