/** To a thousandth. */
export const round = (ms: number): number => Math.round(ms * 1000) / 1000;
