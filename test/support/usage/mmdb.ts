import ipaddr from 'ipaddr.js';

/** A network and its country. */
export type Country = readonly [network: string, isoCode: string];

const MARKER = Buffer.from([0xab, 0xcd, 0xef, ...Buffer.from('MaxMind.com')]);
const SEPARATOR_BYTES = 16;

/** A country table in MaxMind's format: a tree of the bits of IPv6 addresses (IPv4 in ::/96), then the data. */
export function mmdbOf(countries: readonly Country[]): Buffer {
  const tree: [number | string | undefined, number | string | undefined][] = [[undefined, undefined]];
  for (const [network, isoCode] of countries) {
    const bits = bitsOf(network);
    let node = 0;
    bits.forEach((bit, index) => {
      const record = tree[node] ?? fail();
      if (index === bits.length - 1) return void (record[bit] = isoCode);
      const next = record[bit];
      if (typeof next === 'number') return void (node = next);
      record[bit] = tree.push([undefined, undefined]) - 1;
      node = tree.length - 1;
    });
  }
  const codes = [...new Set(countries.map(([, isoCode]) => isoCode))];
  const offsets = new Map<string, number>();
  const data: Buffer[] = [];
  for (const code of codes) {
    offsets.set(
      code,
      data.reduce((sum, { length }) => sum + length, 0),
    );
    data.push(map({ country: map({ iso_code: string(code) }) }));
  }
  const pointer = (record: number | string | undefined): number =>
    typeof record === 'number'
      ? record
      : record === undefined
        ? tree.length
        : tree.length + SEPARATOR_BYTES + (offsets.get(record) ?? fail());
  const records = Buffer.concat(tree.flatMap((pair) => pair.map((record) => uint24(pointer(record)))));
  const metadata = map({
    node_count: uint(6, tree.length, 4),
    record_size: uint(5, 24, 2),
    ip_version: uint(5, 6, 2),
    database_type: string('Test-Country'),
    languages: Buffer.from([0x01, 0x04, ...string('en')]),
    binary_format_major_version: uint(5, 2, 2),
    binary_format_minor_version: uint(5, 0, 2),
    build_epoch: Buffer.from([0x04, 0x02, 0, 0, 0, 1]),
    description: map({ en: string('for tests') }),
  });
  return Buffer.concat([records, Buffer.alloc(SEPARATOR_BYTES), ...data, MARKER, metadata]);
}

function bitsOf(network: string): (0 | 1)[] {
  const [address, length] = ipaddr.parseCIDR(network);
  const isV4 = address.kind() === 'ipv4';
  const bytes = isV4 ? [...Array.from({ length: 12 }, () => 0), ...address.toByteArray()] : address.toByteArray();
  const bits = bytes.flatMap((byte) => Array.from({ length: 8 }, (_, bit) => ((byte >> (7 - bit)) & 1) as 0 | 1));
  return bits.slice(0, isV4 ? 96 + length : length);
}

const uint24 = (value: number): Buffer => Buffer.from([value >> 16, (value >> 8) & 0xff, value & 0xff]);
const string = (text: string): Buffer => Buffer.concat([Buffer.from([(2 << 5) | text.length]), Buffer.from(text)]);
function uint(type: 5 | 6, value: number, bytes: number): Buffer {
  const written = Buffer.alloc(bytes);
  written.writeUIntBE(value, 0, bytes);
  return Buffer.concat([Buffer.from([(type << 5) | bytes]), written]);
}
const map = (entries: Readonly<Record<string, Buffer>>): Buffer =>
  Buffer.concat([
    Buffer.from([(7 << 5) | Object.keys(entries).length]),
    ...Object.entries(entries).flatMap(([key, value]) => [string(key), value]),
  ]);
const fail = (): never => {
  throw new Error('no such record');
};
