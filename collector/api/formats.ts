/** The format that an Accept header asks for. */
export function formatOf(accept = ''): 'json' | 'ndjson' | 'csv' {
  if (accept.includes('application/x-ndjson')) return 'ndjson';
  return accept.includes('text/csv') ? 'csv' : 'json';
}
