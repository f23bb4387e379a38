import type { Facts } from './facts.ts';
import type { HttpEvent } from './types.ts';

/** What an answered request amounts to. */
export type Rule = (facts: Facts) => HttpEvent[];
