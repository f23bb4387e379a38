import { useState } from 'preact/hooks';

/** Gives what is drawn of a chart at the moment. */
export type TakeCanvas = () => HTMLCanvasElement;

/** Room for the name of a chart, and between two, in pixels of the page. */
const NAME_PX = 26;

/** The charts of a panel as one picture: each tells when it is drawn, and `picture` is there once all of them are. */
export function usePicture(charts = 1): {
  readonly picture?: () => Promise<Blob | null>;
  readonly onDrawn: (label: string, take: TakeCanvas) => void;
} {
  const [drawn, setDrawn] = useState<ReadonlyMap<string, TakeCanvas>>(new Map());
  return {
    ...(drawn.size >= charts && { picture: () => pictureOf(drawn) }),
    onDrawn: (label, take) => setDrawn((before) => new Map([...(charts === 1 ? [] : before), [label, take]])),
  };
}

/** One above the other, each with its name where there are several; with the page's background, so that it can be read anywhere. */
function pictureOf(drawn: ReadonlyMap<string, TakeCanvas>): Promise<Blob | null> {
  const scale = devicePixelRatio;
  const nameHeight = drawn.size === 1 ? 0 : NAME_PX * scale;
  const parts = [...drawn].map(([label, take]) => ({ label, source: take() }));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(...parts.map(({ source }) => source.width));
  canvas.height = parts.reduce((height, { source }) => height + nameHeight + source.height, 0);
  const context = canvas.getContext('2d');
  if (context === null) return Promise.resolve(null);
  const style = getComputedStyle(document.documentElement);
  context.fillStyle = style.getPropertyValue('--panel').trim();
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = style.getPropertyValue('--ink').trim();
  context.font = `600 ${13 * scale}px system-ui, sans-serif`;
  context.textBaseline = 'middle';
  let top = 0;
  for (const { label, source } of parts) {
    if (nameHeight > 0) context.fillText(label, 8 * scale, top + nameHeight / 2);
    context.drawImage(source, 0, top + nameHeight);
    top += nameHeight + source.height;
  }
  return new Promise((resolve) => canvas.toBlob(resolve));
}
