import { answer } from './answers.ts';
import { defineRoute } from './route.ts';

interface Page {
  readonly summary: string;
  /** Why the OpenAPI document does not list it. */
  readonly hidden: string;
}

/** Routes of a web page and its parts: public, and not in the OpenAPI document. */
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
