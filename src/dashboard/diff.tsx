// A unified diff, line by line.

export function Diff({ text }: { text: string }) {
  const lines = text.replace(/\n$/, '').split('\n');
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide diff scrolls, and keys have to reach it
    <section class="diff" tabIndex={0} aria-label="Difference">
      <pre>
        {lines.map((line, index) => (
          <span key={index} class={kindOf(line)}>
            {`${line}\n`}
          </span>
        ))}
      </pre>
    </section>
  );
}

function kindOf(line: string): string {
  if (line.startsWith('@@')) return 'place';
  if (line.startsWith('+++') || line.startsWith('---')) return 'head';
  if (line.startsWith('+')) return 'plus';
  return line.startsWith('-') ? 'minus' : '';
}
