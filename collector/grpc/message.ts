import { Readable } from 'node:stream';
import { CollectorError } from '../errors.ts';
import { readSource, type BodyLimits } from '../otlp/body.ts';
import { codingNamed, unsupported } from '../otlp/codings.ts';

/** Before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/**
 * Reads the single message of a unary call (gRPC over HTTP/2, "Length-Prefixed-Message"), within the limits of an HTTP
 * body.
 *
 * @param encoding the value of `grpc-encoding`
 * @throws CollectorError unsupported_encoding, invalid_body, and as `readSource` does
 */
export async function readMessage(source: Readable, encoding: string, limits: BodyLimits): Promise<Uint8Array> {
  const coding = codingNamed(encoding);
  if (coding === undefined) throw unsupported('grpc-encoding', encoding);
  const bytes = await readSource(source, 'identity', { ...limits, maxBytes: limits.maxBytes + PREFIX_BYTES });
  const message = messageIn(bytes);
  if (!message.isCompressed) return message.bytes;
  if (coding === 'identity')
    throw new CollectorError('invalid_body', 'The message is compressed, and grpc-encoding does not say how');
  return readSource(asStream(message.bytes), coding, limits);
}

/** A stream of bytes, without an encoding or object mode. */
const asStream = (bytes: Uint8Array): Readable => Readable.from([bytes], { objectMode: false });

function messageIn(all: Uint8Array): { readonly isCompressed: boolean; readonly bytes: Uint8Array } {
  const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
  const length = all.byteLength < PREFIX_BYTES ? -1 : view.getUint32(1);
  const came = all.byteLength - PREFIX_BYTES;
  if (length !== came)
    throw new CollectorError(
      'invalid_body',
      came < length || length < 0
        ? 'The message was cut off: fewer bytes came than it announces'
        : `The call has more than one message: ${came} bytes came, the first takes ${length}`,
    );
  const flag = all[0];
  if (flag !== 0 && flag !== 1)
    throw new CollectorError('invalid_body', `The message begins with ${flag}, which is not gRPC: it must be 0 or 1`);
  return { isCompressed: flag === 1, bytes: all.subarray(PREFIX_BYTES) };
}

/** A message to send: never compressed, because answers are short. */
export function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(PREFIX_BYTES + message.byteLength);
  bytes.writeUInt32BE(message.byteLength, 1);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}
