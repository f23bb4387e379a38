import { answer } from './answers.ts';
import { defineRoute } from './route.ts';

/** What a page for people is made of. */
interface Page {
  readonly summary: string;
  /** Why the document does not have it. */
  readonly hidden: string;
}

/** Routes of a page for people, and of what one is made of: each for everybody, none in the document. */
export const partsOf =
  ({ summary, hidden }: Page) =>
  (path: string, operationId: string, mediaType: string) =>
    defineRoute({
      method: 'get',
      path,
      scope: 'public',
      operationId,
      summary,
      hidden,
      responses: { 200: answer('A part of the page', { [mediaType]: {} }) },
    });
