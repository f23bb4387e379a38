import { judgedUses, text } from './008-rules.ts';

/**
 * Instrumented servers say `source: sdk`, as other programs do. Only an observer of the request knows `auth_method`, so
 * that field shows that the request was observed.
 */
export const INSTRUMENTED = `
CREATE OR REPLACE VIEW judged_uses AS
${judgedUses(`(e.source IN ('proxy', 'nginx') OR ${text('auth_method')} IS NOT NULL)`)};
`;
