import { SinkError } from './sink.ts';
import { post, withoutSecrets, type PostAnswer, type PostOptions } from '../runtime/sending/post.ts';
import { errorText } from '../runtime/error-text.ts';

/**
 * Sends a service a request that stores nothing.
 *
 * @returns its answer, whatever it says about the request
 * @throws SinkError `unreachable` if there is no answer, or only that the service is busy or broken
 */
export async function probe(service: string, options: PostOptions): Promise<PostAnswer> {
  let answer: PostAnswer;
  try {
    answer = await post(options);
  } catch (cause) {
    const { host } = new URL(options.url);
    const reason = withoutSecrets(errorText(cause), options.secrets ?? []);
    throw new SinkError(
      'unreachable',
      `${service} does not answer at ${host}: ${reason}. Check the address, the network and a proxy on the way.`,
    );
  }
  if (answer.outcome.kind === 'retry')
    throw new SinkError(
      'unreachable',
      `${service} cannot take events now (${answer.outcome.reason}). Try again later.`,
    );
  return answer;
}
