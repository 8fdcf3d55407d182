// Syncs of the last 24 hours as a row of bars; the text beside says the sum.

export function Sparkline({ hours }: { hours: readonly number[] | undefined }) {
  const counts = hours ?? [];
  const total = counts.reduce((sum, count) => sum + count, 0);
  const most = Math.max(4, ...counts);
  return (
    <span class="sparkline" title={`${total} syncs in 24 hours`}>
      <svg viewBox="0 0 96 20" preserveAspectRatio="none" aria-hidden="true" focusable="false">
        {counts.map((count, hour) => {
          const height = count === 0 ? 1 : 3 + (count / most) * 17;
          return (
            <rect
              key={hour}
              class={count === 0 ? 'none' : ''}
              x={hour * 4}
              y={20 - height}
              width="3"
              height={height}
            />
          );
        })}
      </svg>
      <span class="sr-only">{total} syncs in 24 hours</span>
    </span>
  );
}
