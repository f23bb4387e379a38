import { createPreparer } from '../../../sinks/event/prepare.ts';
import type { SinkEvent } from '../../../sinks/sink.ts';
import { toAmplitude, uploadOf } from '../../../sinks/services/amplitude/event.ts';
import { bodyOf as ga4BodyOf, divide } from '../../../sinks/services/ga4/requests.ts';
import { toLine } from '../../../sinks/services/influxdb/line.ts';
import { toPoint } from '../../../sinks/services/influxdb/point.ts';
import { bulkOf, trackingRequest } from '../../../sinks/services/matomo/tracking.ts';
import { createToRecord, requestOf } from '../../../sinks/services/otlp/record.ts';
import { COPIED, toRow } from '../../../runtime/event-table/columns.ts';
import { copyText } from '../../../runtime/event-table/copy-text.ts';
import { bodyOf, FORMATS } from '../../../sinks/services/webhook/body.ts';

const prepare = createPreparer({ filter: {}, mapping: {}, policy: {}, thirdParty: false });
const toRecord = createToRecord('clowder-otel', Date.now);

/** How each sink encodes an event, and what must hold for the result. */
const ENCODINGS: readonly (readonly [sink: string, encode: (event: SinkEvent) => string | Uint8Array, holds: RegExp])[] = [
  ['amplitude', (event) => uploadOf('key', [toAmplitude(event)]), /^\{[^\n]*\}$/],
  ['ga4', (event) => divide([event]).map((request) => ga4BodyOf(request)).join(''), /^\{[^\n]*\}$/],
  ['influxdb', (event) => toLine(toPoint(event, { measurement: 'events', idAsTag: true })), /^[^\n]+ \d+$/],
  ['matomo', (event) => bulkOf('token', [trackingRequest(event, { siteId: 1, dimensions: {} })]), /^\{[^\n]*\}$/],
  ['otlp', (event) => requestOf([toRecord(event)]), /./],
  ['postgresql', (event) => copyText([toRow(event)]), new RegExp(`^(?:[^\\t\\n\\0]*\\t){${COPIED.length - 1}}[^\\t\\n\\0]*\\n$`)],
  ...FORMATS.map((format) => [`webhook ${format}`, (event: SinkEvent) => bodyOf([event], format).body, /^\[[^\n]*\]$/] as const),
  ['file', ({ fields }) => JSON.stringify(fields), /^\{[^\n]*\}$/],
]; // prettier-ignore

/** @throws Error that names the sink that cannot take the message's event */
export function everySinkTakes(content: Uint8Array, messageId: string): void {
  const prepared = prepare(content, messageId);
  if (prepared.kind !== 'event') throw new Error(`sinks take it for ${prepared.kind}`);
  for (const [sink, encode, holds] of ENCODINGS) {
    const encoded = encode(prepared.event);
    const text = typeof encoded === 'string' ? encoded : Buffer.from(encoded).toString('latin1');
    if (!holds.test(text) || (typeof encoded === 'string' && !encoded.isWellFormed()))
      throw new Error(`${sink} is sent ${JSON.stringify(text.slice(0, 1000))}`);
  }
}
