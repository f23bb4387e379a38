/** A request to Clowder v2 as a server or gateway sees it, and the event that results. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly status: number;
  readonly responseBytes: number;
  /** Undefined: no event. */
  readonly event: SeenEvent | undefined;
}

export interface SeenEvent {
  readonly event: string;
  readonly resource_id?: string;
  /** Known only from the query. */
  readonly tracked?: boolean;
}

export const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
export const CLIENT = '203.0.113.7';

/** The requests of one sender, about its own resources: ten that make an event each, and some that make none. */
export function requestsOf(sender: number): readonly SeenRequest[] {
  const id = (kind: number): string =>
    `65f1e2d3c4b5a6978877${String(sender).padStart(2, '0')}${String(kind).padStart(2, '0')}`;
  const request = (
    [method, target]: readonly [method: string, target: string],
    event: SeenEvent | undefined,
    status = 200,
  ): SeenRequest => {
    const [path = '', query = ''] = target.split('?');
    return { method, path, query, status, responseBytes: 4242, event };
  };
  return [
    request(['GET', `/api/v2/files/${id(1)}`], { event: 'view.download', resource_id: id(1), tracked: true }),
    request(['GET', `/api/v2/files/${id(2)}?increment=false`], { event: 'view.download', resource_id: id(2), tracked: false }),
    request(['GET', `/api/v2/public_files/${id(3)}`], { event: 'view.download', resource_id: id(3), tracked: true }),
    request(['GET', `/api/v2/datasets/${id(4)}/download`], { event: 'view.download', resource_id: id(4), tracked: true }),
    request(['GET', `/files/${id(5)}`], { event: 'view.resource', resource_id: id(5) }),
    request(['GET', `/datasets/${id(6)}?dataset=${id(6)}`], { event: 'view.resource', resource_id: id(6) }),
    request(['GET', `/metadata-definitions/${id(13)}`], { event: 'view.page' }),
    request(['DELETE', `/api/v2/files/${id(7)}`], { event: 'file.deleted', resource_id: id(7) }),
    request(['DELETE', `/api/v2/datasets/${id(8)}`], { event: 'dataset.deleted', resource_id: id(8) }),
    request(['POST', `/api/v2/files/${id(9)}/extract?extractorName=ncsa.wordcount`], { event: 'extraction.queued', resource_id: id(9) }),
    request(['GET', `/api/v2/files/${id(10)}`], undefined, 404),
    request(['GET', `/api/v2/files/${id(11)}/metadata`], undefined),
    request(['HEAD', `/api/v2/files/${id(12)}`], undefined),
  ]; // prettier-ignore
}

/**
 * The events that must result, in order.
 *
 * @param tellsQuery whether the sender reports queries, the only place that says not to count a download
 */
export function eventsOf(requests: readonly SeenRequest[], tellsQuery = true): readonly SeenEvent[] {
  return requests.flatMap(({ event }) => {
    if (event === undefined) return [];
    return tellsQuery || event.tracked === undefined ? event : { ...event, tracked: true };
  });
}
