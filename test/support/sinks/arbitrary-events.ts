import fc from 'fast-check';
import { EVENT_TYPES } from '../../../taxonomy/index.ts';
import type { FieldValue, SinkEvent } from '../../../sinks/sink.ts';

/** Fields that services use to identify users and devices, and words that some of them refuse. */
const IDS = ['user_id', 'client_id', 'session_id', 'extractor_name', 'clowder_instance'];
const WORDS = ['anonymous', 'null', '0', '-1', 'bob', ' ', '000000000000000000000000', 'a'.repeat(24), '9'.repeat(16)];
const TEXTS = [
  'file_id',
  'file_name',
  'resource_name',
  'title',
  'url',
  'referrer',
  'user_agent',
  'message',
  'client_address',
];
const NUMBERS = [
  'bytes',
  'duration_ms',
  'response_time_ms',
  'queue_length',
  'requests',
  'responses_2xx',
  'status_code',
];

/** Characters of one byte or several, those that need escaping, and lone surrogates, which are no characters at all. */
const unit = fc.constantFrom(
  'a',
  'Z',
  '7',
  '_',
  ' ',
  '&',
  '=',
  '%',
  '/',
  '"',
  '\\',
  '\u0000',
  '\u2028',
  'é',
  '漢',
  '🐘',
  '\uD83D',
);
/** Short texts of any characters, and long ones made by repeating them. */
const anyText = fc.tuple(fc.string({ unit, maxLength: 9 }), fc.constantFrom(1, 1, 1, 12, 300)).map(repeated);
/** Names that a field mapping may give, of any length. */
const anyName = fc.tuple(fc.string({ unit, minLength: 1, maxLength: 6 }), fc.constantFrom(1, 1, 20)).map(repeated);

function repeated([text, times]: readonly [string, number]): string {
  return text.repeat(times);
}

const someOf = (names: readonly string[], value: fc.Arbitrary<FieldValue>): fc.Arbitrary<Record<string, FieldValue>> =>
  fc.dictionary(fc.constantFrom(...names), value, { maxKeys: names.length });

/** Any flat body that the policy may let through, with names from a field mapping and texts of every length. */
const anyFields = fc
  .tuple(
    someOf(IDS, fc.oneof(fc.constantFrom(...WORDS), fc.string())),
    someOf(TEXTS, anyText),
    // No -0: the journal's JSON has none.
    someOf(
      NUMBERS,
      fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true })).map((number) => number + 0),
    ),
    someOf(['complete', 'tracked', 'healthy', 'recovered'], fc.boolean()),
    fc.dictionary(anyName, fc.oneof(anyText, fc.boolean(), fc.nat()), { maxKeys: 6 }),
    fc
      .nat(60)
      .map((count) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`mapped_${index}`, index]))),
  )
  .map((parts): Record<string, FieldValue> => Object.assign({}, ...parts));

export interface ArbitraryEventOptions {
  readonly createdMs: { readonly min: number; readonly max: number };
  /** Few, so that events share them. */
  readonly resources?: number;
}

/** Events as the delivery loop passes them to a sink. */
export function anyEvents(
  { createdMs, resources = 4 }: ArbitraryEventOptions,
  maxLength: number,
): fc.Arbitrary<SinkEvent[]> {
  const one = fc.record({
    type: fc.oneof(
      fc.constantFrom<string>(...EVENT_TYPES),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    ),
    createdMs: fc.integer(createdMs),
    resource: fc.nat(resources).map((number) => (number === 0 ? '' : `file/${number}`)),
    fields: anyFields,
  });
  return fc.array(one, { minLength: 1, maxLength }).map((drafts) =>
    drafts.map(({ fields, ...draft }, index) => {
      const id = `event-${index}`;
      return { id, ...draft, fields: { ...fields, event_id: id, event: draft.type, created: draft.createdMs } };
    }),
  );
}

/** One event for a test, with the given properties. */
export function eventOf(
  type: string,
  fields: Record<string, FieldValue> = {},
  about: Partial<SinkEvent> = {},
): SinkEvent {
  const id = about.id ?? 'e-1';
  const createdMs = about.createdMs ?? 1_760_000_000_123;
  return {
    id,
    type,
    createdMs,
    resource: about.resource ?? '',
    fields: { event_id: id, event: type, created: createdMs, ...fields },
  };
}
