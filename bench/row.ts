/** One side's figure in one round, in the row's unit. */
export type Measure = () => Promise<number>;

/** One row of the table: ours against its peer. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  /** The ratio to reach (docs/design.md, "Speed"): ours/peer, or peer/ours if lower is better. */
  readonly target: number;
  /** Which figures are better. @default 'higher' */
  readonly better?: 'higher' | 'lower';
  /** For figures that vary little and take long. @default the number asked for */
  readonly maxRounds?: number;
  /** Starts both sides. Its result is disposed of after the last round. */
  readonly start: () => Promise<Sides>;
}

interface Sides extends AsyncDisposable {
  readonly ours: Measure;
  readonly peer: Measure;
}

/** A row's figures as `--json` prints them. */
export interface Result {
  readonly name: string;
  /** Median over the rounds. */
  readonly ours: number;
  /** Median over the rounds. */
  readonly peer: number;
  readonly unit: string;
  /** Median of the rounds' ratios. */
  readonly ratio: number;
  readonly target: number;
  /** Lowest and highest of the rounds' ratios. */
  readonly spread: readonly [number, number];
}

/** Measures both sides in turn; they alternate in going first. */
export async function measure(row: Row, rounds: number, progress: (text: string) => void): Promise<Result> {
  await using sides = await row.start();
  const figures: { ours: number; peer: number }[] = [];
  const count = Math.min(rounds, row.maxRounds ?? rounds);
  for (let round = 0; round < count; round++) {
    const figure = { ours: 0, peer: 0 };
    const order: ('ours' | 'peer')[] = round % 2 === 0 ? ['ours', 'peer'] : ['peer', 'ours'];
    for (const side of order) {
      progress(`${row.name}: round ${round + 1} of ${count}, ${side}`);
      figure[side] = await sides[side]();
    }
    figures.push(figure);
  }
  return summarise(row, figures);
}

/** Pure: summarises the rounds' figures. */
export function summarise(
  row: Pick<Row, 'name' | 'unit' | 'target' | 'better'>,
  figures: readonly { ours: number; peer: number }[],
): Result {
  const ratios = figures.map(({ ours, peer }) => (row.better === 'lower' ? peer / ours : ours / peer));
  return {
    name: row.name,
    ours: Math.round(median(figures.map(({ ours }) => ours))),
    peer: Math.round(median(figures.map(({ peer }) => peer))),
    unit: row.unit,
    ratio: hundredths(median(ratios)),
    target: row.target,
    spread: [hundredths(Math.min(...ratios)), hundredths(Math.max(...ratios))],
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
