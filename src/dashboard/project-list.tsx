// All projects: search, filter, sort. Only the rows near the window exist, so that thousands scroll like ten.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { countText } from './format.ts';
import { usePage, usePart } from './page-context.ts';
import { FILTERS, type Filter, listProjects, ORDERS, type Order } from './project-order.ts';
import { ProjectRow } from './project-row.tsx';
import { projectLink } from './route.ts';
import type { Project } from './wire.ts';

/** As in style/list.css. */
const ROW_REM = 3.75;
const NARROW_ROW_REM = 6;
const SPARE_ROWS = 8;

const ORDER_NAMES: Record<Order, string> = {
  attention: 'what needs you',
  name: 'name',
  'last-safe': 'longest unsafe',
  activity: 'activity',
};
const FILTER_NAMES: Record<Filter, string> = {
  all: 'All',
  unsafe: 'Not safe',
  safe: 'Safe',
  paused: 'Paused',
  disabled: 'Off',
};

export function ProjectList() {
  const projects = usePart((state) => state.projects);
  const activity = usePart((state) => state.activity);
  const [text, setText] = useState('');
  const [filter, setFilter] = useState<Filter>('all');
  const [order, setOrder] = useState<Order>('attention');
  const listed = listProjects(projects.values(), { text, filter, order, activity });
  return (
    <section class="projects">
      <div class="list-head">
        <h2>Projects</h2>
        <input
          type="search"
          placeholder="Search   /"
          aria-label="Search projects"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <fieldset class="segments">
          <legend class="sr-only">Show</legend>
          {FILTERS.map((name) => (
            <label key={name}>
              <input type="radio" name="filter" checked={filter === name} onChange={() => setFilter(name)} />
              <span>{FILTER_NAMES[name]}</span>
            </label>
          ))}
        </fieldset>
        <label class="order">
          Sort by{' '}
          <select value={order} onChange={(event) => setOrder(event.currentTarget.value as Order)}>
            {ORDERS.map((name) => (
              <option key={name} value={name}>
                {ORDER_NAMES[name]}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p class="hint" role="status">
        {listed.length === projects.size
          ? countText(projects.size, 'project')
          : `${listed.length} of ${countText(projects.size, 'project')}`}
      </p>
      <Rows projects={listed} activity={activity} />
    </section>
  );
}

type RowsProps = { projects: readonly Project[]; activity: ReadonlyMap<string, readonly number[]> };

function Rows({ projects, activity }: RowsProps) {
  const list = useRef<HTMLUListElement>(null);
  const { first, last, rowPx } = useWindow(list, projects.length);
  const move = useRowKeys(list, projects, rowPx);
  useLayoutEffect(() => {
    // Set as a property: the page's rules forbid style attributes.
    if (list.current) list.current.style.height = `${projects.length * rowPx}px`;
  }, [projects.length, rowPx]);
  return (
    <ul class="rows" ref={list} onKeyDown={move}>
      {projects.slice(first, last).map((project, index) => (
        <ProjectRow
          key={project.projectId}
          project={project}
          hours={activity.get(project.projectId)}
          index={first + index}
          count={projects.length}
          topPx={(first + index) * rowPx}
        />
      ))}
    </ul>
  );
}

/** Which rows are near the window; looks again when it scrolls or changes its size. */
function useWindow(list: { current: HTMLElement | null }, count: number) {
  const [range, setRange] = useState({ first: 0, last: 30, rowPx: rowHeight() });
  useEffect(() => {
    const look = () => {
      const rowPx = rowHeight();
      const top = list.current?.getBoundingClientRect().top ?? 0;
      const first = Math.max(0, Math.floor(-top / rowPx) - SPARE_ROWS);
      const last = Math.min(count, Math.ceil((innerHeight - top) / rowPx) + SPARE_ROWS);
      setRange((before) =>
        before.first === first && before.last === last && before.rowPx === rowPx
          ? before
          : { first, last, rowPx },
      );
    };
    look();
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    return () => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
    };
  }, [list, count]);
  return range;
}

function rowHeight(): number {
  const remPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  return remPx * (matchMedia('(max-width: 52rem)').matches ? NARROW_ROW_REM : ROW_REM);
}

/** Up and down move between rows, also to those that do not exist yet; `s` syncs, `p` pauses. */
function useRowKeys(
  list: { current: HTMLElement | null },
  projects: readonly Project[],
  rowPx: number,
): (event: KeyboardEvent) => void {
  const { actions } = usePage();
  return (event) => {
    const link = (event.target as HTMLElement).closest?.('a.name');
    const at = projects.findIndex(({ projectId }) => link?.getAttribute('href') === projectLink(projectId));
    const project = projects[at];
    if (project === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 's') void actions.syncNow(project);
    if (event.key === 'p') {
      void (project.state === 'paused' ? actions.resume(project) : actions.pause(project, null));
    }
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const next = projects[at + step];
    if (step === 0 || next === undefined) return;
    event.preventDefault();
    const top = (list.current?.getBoundingClientRect().top ?? 0) + (at + step) * rowPx;
    if (top < 0 || top + rowPx > innerHeight) scrollBy(0, step * rowPx);
    list.current?.querySelector<HTMLElement>(`a[href="${CSS.escape(projectLink(next.projectId))}"]`)?.focus();
  };
}
