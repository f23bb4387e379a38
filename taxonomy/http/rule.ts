import type { AnswerFacts, Facts, HeadFacts, RequestFacts } from './facts.ts';
import type { HttpEvent } from './types.ts';

/** Which bodies a capture must read for a rule; the rest is counted as it passes. */
export interface BodiesToRead {
  /** The request's form fields, its uploaded parts, or its JSON. */
  readonly request: boolean;
  /** The answer's JSON, or its text. */
  readonly answer: boolean;
}

/** What an answered request amounts to, and what must be read of it to know. */
export interface Rule {
  readonly reads: BodiesToRead;
  readonly eventsOf: (facts: Facts) => HttpEvent[];
}

type Judge<F> = (facts: F) => HttpEvent[];

/** A rule to which path, status and headers say all; it cannot ask for more. */
export const byHead = (eventsOf: Judge<HeadFacts>): Rule => ({ reads: { request: false, answer: false }, eventsOf });
/** A rule that asks for the request's body too. */
export const byRequest = (eventsOf: Judge<RequestFacts>): Rule => ({
  reads: { request: true, answer: false },
  eventsOf,
});
/** A rule that asks for the answer's body too. */
export const byAnswer = (eventsOf: Judge<AnswerFacts>): Rule => ({ reads: { request: false, answer: true }, eventsOf });
/** A rule that asks for both bodies. */
export const byBoth = (eventsOf: Judge<Facts>): Rule => ({ reads: { request: true, answer: true }, eventsOf });
