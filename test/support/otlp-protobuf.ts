/** A minimal protobuf writer, for bodies that no SDK would send. Fields are byte lists to concatenate. */

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

/** An embedded message, a string, or bytes. */
export const bytes = (field: number, value: Iterable<number>): number[] => {
  const all = [...value];
  return [...varint(field * 8 + 2), ...varint(all.length), ...all];
};

export const text = (field: number, value: string): number[] => bytes(field, Buffer.from(value));

export const int = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)];

export const fixed64 = (field: number, value: bigint): number[] => [
  ...varint(field * 8 + 1),
  ...new Uint8Array(BigUint64Array.of(BigInt.asUintN(64, value)).buffer),
];

/** A `KeyValue` with a string value, given as text or raw bytes. */
export const keyValue = (field: number, key: string, value: string | Uint8Array): number[] =>
  bytes(field, [...text(1, key), ...bytes(2, bytes(1, Buffer.from(value)))]);

/** An Export…ServiceRequest with one resource, one scope and these records. */
export const exportRequest = (...records: readonly number[][]): Uint8Array =>
  Uint8Array.from(
    bytes(
      1,
      bytes(
        2,
        records.flatMap((record) => bytes(2, record)),
      ),
    ),
  );
