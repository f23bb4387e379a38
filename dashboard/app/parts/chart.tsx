import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { useApp, useLatest } from '../state.ts';
import type { TakeCanvas } from './picture.ts';

export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** Number of the colour, from 1 on. */
  readonly colour: number;
}

interface ChartProps {
  readonly label: string;
  readonly columns: readonly string[];
  readonly series: readonly Series[];
  readonly format: (value: number | null | undefined) => string;
  /** Bars are stacked; lines are not. */
  readonly form?: 'bars' | 'lines';
  /** Sums of the period before, by column. */
  readonly before?: readonly number[] | undefined;
  readonly onZoom?: (first: number, last: number) => void;
  readonly onDrawn?: (label: string, take: TakeCanvas) => void;
  readonly height?: number;
  /** Bytes: the axis has steps of powers of two. */
  readonly isBytes?: boolean;
}

/** Values over time: a picture, and the same figures as a table for those who cannot see it. */
export function Chart(props: ChartProps) {
  const { label, columns, series, format, form = 'bars', before, height = 190 } = props;
  const { theme } = useApp();
  const place = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const latest = useLatest(props);
  const drawn = JSON.stringify([columns, series, before, form]);

  useEffect(() => {
    const root = place.current;
    if (root === null) return undefined;
    const plot = draw(root, latest.current, setPointed, height);
    const observer = new ResizeObserver(() => {
      if (root.clientWidth > 0 && root.clientWidth !== plot.width) plot.setSize({ width: root.clientWidth, height });
    });
    observer.observe(root);
    latest.current.onDrawn?.(label, () => plot.ctx.canvas);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [drawn, theme, height]);

  const at = pointed !== null && columns[pointed] !== undefined ? pointed : undefined;
  return (
    <figure class="chart">
      <div ref={place} class="canvas" role="img" aria-label={`${label}. The table below has the same figures.`} />
      <figcaption>
        <span class="at">
          {at === undefined
            ? spanOf(columns)
            : (columns[at] ?? '').replace('T', ' ') + (columns[at]?.includes('T') ? ':00' : '')}
        </span>
        {series.map(({ name, values, colour }) => (
          <span key={name} class="key">
            <i class={`swatch c${colour}`} aria-hidden="true" />
            {name} <b>{format(at === undefined ? (form === 'bars' ? sum(values) : last(values)) : values[at])}</b>
          </span>
        ))}
        {before !== undefined && (
          <span class="key">
            <i class="swatch before" aria-hidden="true" />
            period before <b>{format(at === undefined ? sum(before) : before[at])}</b>
          </span>
        )}
      </figcaption>
      <details>
        <summary>As a table</summary>
        <div class="scroll" tabIndex={0} role="group" aria-label={`${label}, as a table`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {series.map(({ name }) => (
                  <th key={name} scope="col" class="figure">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {columns.map((column, index) => (
                <tr key={column}>
                  <th scope="row">{column.replace('T', ' ')}</th>
                  {series.map(({ name, values }) => (
                    <td key={name} class="figure">
                      {format(values[index])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

const sum = (values: readonly (number | null)[]): number =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0);
const last = (values: readonly (number | null)[]): number | null => values.findLast((value) => value !== null) ?? null;

function spanOf(columns: readonly string[]): string {
  const [first, end] = [columns[0], columns.at(-1)];
  return first === undefined || end === undefined ? '' : `${first.replace('T', ' ')} – ${end.replace('T', ' ')}`;
}

function draw(root: HTMLElement, props: ChartProps, onPoint: (index: number | null) => void, height: number): uPlot {
  const { columns, series, before, form = 'bars', format, onZoom, isBytes = false } = props;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const stacked = form === 'bars';
  // Upper layers are drawn first, each as tall as itself and all below it: lower layers cover its lower part.
  const layers = stacked ? stack(series) : series.map(({ values }) => [...values]);
  const ordered = stacked ? layers.toReversed() : layers;
  const named = stacked ? series.toReversed() : series;
  const bars = uPlot.paths.bars?.({ size: [0.82, 48, 1] });
  const line = uPlot.paths.linear?.();
  const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' }; // prettier-ignore
  const drawn = (label: string, stroke: string): uPlot.Series =>
    stacked
      ? { label, stroke, width: 0, fill: stroke, points: { show: false }, ...(bars && { paths: bars }) }
      : { label, stroke, width: 1.75, points: { show: columns.length < 3 }, ...(line && { paths: line }) };
  const options: uPlot.Options = {
    width: Math.max(root.clientWidth, 120),
    height,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: !stacked }, drag: { x: onZoom !== undefined, y: false }, focus: { prox: 30 } },
    scales: {
      x: { time: false, range: [-0.5, Math.max(columns.length - 0.5, 0.5)] },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, space: 72, incrs: [1, 2, 3, 6, 7, 12, 14, 24, 28, 48, 56, 72, 90, 96, 168], values: (_, places) => places.map((index) => shortLabel(columns[index])) }, // prettier-ignore
      {
        ...axis,
        size: 58,
        space: 34,
        ...(isBytes && { incrs: BINARY_STEPS }),
        values: (_, ticks) => ticks.map((tick) => format(tick)),
      },
    ],
    series: [
      {},
      ...named.map(({ name, colour: number }) => drawn(name, colour(`--c${number}`))),
      ...(before === undefined ? [] : [{ label: 'before', stroke: colour('--ink'), width: 1.5, dash: [4, 4], points: { show: false }, ...(line && { paths: line }) }]), // prettier-ignore
    ],
    hooks: {
      setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          if (onZoom === undefined || plot.select.width < 4) return;
          const first = Math.round(plot.posToVal(plot.select.left, 'x'));
          const end = Math.round(plot.posToVal(plot.select.left + plot.select.width, 'x'));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          onZoom(first, end);
        },
      ],
    },
  };
  const data = [columns.map((_, index) => index), ...ordered, ...(before === undefined ? [] : [[...before]])];
  return new uPlot(options, data as uPlot.AlignedData, root);
}

/** 1, 2, 4, 8, … of each unit of bytes: multiples of a step are round numbers too. */
const BINARY_STEPS = Array.from({ length: 61 }, (_, power) => 2 ** power);

function stack(series: readonly Series[]): (number | null)[][] {
  const below: number[] = [];
  return series.map(({ values }) => values.map((value, index) => (below[index] = (below[index] ?? 0) + (value ?? 0))));
}

/** 2026-11, 11-29, 16:00; the day at midnight. */
function shortLabel(column: string | undefined): string {
  if (column === undefined) return '';
  if (column.length === 11) return column.slice(6);
  if (column.length === 7) return column;
  if (column.length === 10) return column.slice(5);
  return column.endsWith('T00') ? column.slice(5, 10) : `${column.slice(11)}:00`;
}
