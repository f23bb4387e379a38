import type { Figures } from '../figures.ts';
import type { Item } from '../items.ts';
import type { ReportRequest } from '../request.ts';
import type { Restated } from '../restatements.ts';
import type { Site } from '../settings.ts';
import type { Spike } from '../spikes.ts';
import type { Summary } from './summary.ts';

/** Contents of the report for people. */
export interface UsageReportInput {
  readonly request: ReportRequest;
  readonly site: Site;
  readonly figures: Figures;
  readonly items: readonly Item[];
  readonly summary: Summary;
  readonly spikes: readonly Spike[];
  readonly restated: readonly Restated[];
}
