import type { SendOutcome } from '../../runtime/sending/outcome.ts';
import { SinkError, type Sink } from '../sink.ts';

/**
 * A sink that opens with the first batch, and again with the next one if that failed. A service that is unreachable at start is
 * treated like one that becomes unreachable later.
 */
export function lazySink(open: () => Promise<Sink>): Pick<Sink, 'send' | 'close'> {
  let opened: Sink | undefined;
  return {
    async send(batch, signal): Promise<SendOutcome> {
      try {
        opened ??= await open();
      } catch (error) {
        if (!(error instanceof SinkError)) throw error;
        const { code, message: reason } = error;
        return { kind: code === 'unauthorised' || code === 'invalid_config' ? 'misconfigured' : 'retry', reason };
      }
      return opened.send(batch, signal);
    },
    async close() {
      await opened?.close();
    },
  };
}
