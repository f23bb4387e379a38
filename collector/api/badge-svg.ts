/** Approximate width of a character in 11 px Verdana. Badges hold only digits, commas and lower-case letters. */
const LETTER_PX = 6.8;
const PADDING_PX = 12;
const HEIGHT_PX = 20;

/** A figure with its name, as SVG. */
export function badgeSvg(name: 'views' | 'downloads', figure: number): string {
  const value = figure.toLocaleString('en-US');
  const [left, right] = [widthOf(name), widthOf(value)];
  const text = (x: number, words: string): string => `<text x="${x}" y="14">${words}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="${HEIGHT_PX}" role="img" aria-label="${name}: ${value}">`,
    `<title>${name}: ${value}</title>`,
    `<rect width="${left}" height="${HEIGHT_PX}" fill="#555"/>`,
    `<rect x="${left}" width="${right}" height="${HEIGHT_PX}" fill="#0b6e99"/>`,
    `<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">`,
    text(left / 2, name),
    text(left + right / 2, value),
    '</g></svg>',
  ].join('');
}

const widthOf = (text: string): number => Math.ceil(text.length * LETTER_PX + PADDING_PX);
