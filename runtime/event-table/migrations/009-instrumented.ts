import { judgedUses, text } from './008-rules.ts';

/** Instrumented servers say `source: sdk` as other programs do; `auth_method`, which only who sees a request can tell, says that it came in. */
export const INSTRUMENTED = `
CREATE OR REPLACE VIEW judged_uses AS
${judgedUses(`(e.source IN ('proxy', 'nginx') OR ${text('auth_method')} IS NOT NULL)`)};
`;
