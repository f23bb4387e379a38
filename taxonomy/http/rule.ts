import type { AnswerFacts, Facts, HeadFacts, RequestFacts } from './facts.ts';
import type { HttpEvent } from './types.ts';

/** Bodies that a capture must read for a rule; others are only counted as they pass. */
export interface BodiesToRead {
  /** The request's form fields, its uploaded parts, or its JSON. */
  readonly request: boolean;
  /** The response's JSON, or its text. */
  readonly answer: boolean;
}

/** Turns an answered request into events, and names the bodies it needs for that. */
export interface Rule {
  readonly reads: BodiesToRead;
  readonly eventsOf: (facts: Facts) => HttpEvent[];
}

type Judge<F> = (facts: F) => HttpEvent[];

/** A rule that needs only path, status and headers; the type gives it nothing else. */
export const byHead = (eventsOf: Judge<HeadFacts>): Rule => ({ reads: { request: false, answer: false }, eventsOf });
/** A rule that also needs the request body. */
export const byRequest = (eventsOf: Judge<RequestFacts>): Rule => ({
  reads: { request: true, answer: false },
  eventsOf,
});
/** A rule that also needs the response body. */
export const byAnswer = (eventsOf: Judge<AnswerFacts>): Rule => ({ reads: { request: false, answer: true }, eventsOf });
/** A rule that needs both bodies. */
export const byBoth = (eventsOf: Judge<Facts>): Rule => ({ reads: { request: true, answer: true }, eventsOf });
