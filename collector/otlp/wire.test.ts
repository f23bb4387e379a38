import { describe, expect, test } from 'vitest';
import { BYTES, VARINT, WireReader } from './wire.ts';

const reader = (...bytes: number[]) => new WireReader(Uint8Array.from(bytes));

describe('WireReader', () => {
  test('names field, wire type and range of each value', () => {
    const wire = reader(0x08, 0x96, 0x01, 0x12, 0x02, 0x68, 0x69);
    expect(wire.next()).toBe(true);
    expect([wire.field, wire.type, wire.value]).toEqual([1, VARINT, 150]);
    expect(wire.next()).toBe(true);
    expect([wire.field, wire.type, wire.text()]).toEqual([2, BYTES, 'hi']);
    expect(wire.next()).toBe(false);
  });

  test('reads 64-bit numbers without loss', () => {
    const negative = reader(0x08, ...Array.from({ length: 9 }, () => 0xff), 0x01);
    negative.next();
    expect(negative.int64()).toBe(-1n);
    const fixed = reader(0x09, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    fixed.next();
    expect(fixed.fixed64()).toBe(2n ** 64n - 1n);
    expect(fixed.sfixed64()).toBe(-1n);
  });

  test('replaces invalid UTF-8 and keeps a byte order mark', () => {
    const bad = reader(0x0a, 0x02, 0x61, 0xff);
    bad.next();
    expect(bad.text()).toBe('a\uFFFD');
    const mark = reader(0x0a, 0x04, 0xef, 0xbb, 0xbf, 0x61);
    mark.next();
    expect(mark.text()).toBe('\uFEFFa');
  });

  test.each([
    ['a truncated varint', [0x08, 0x80]],
    ['a varint of more than 10 bytes', [0x08, ...Array.from({ length: 10 }, () => 0x80), 0x01]],
    ['a length beyond the end', [0x0a, 0x05, 0x61]],
    ['a huge length', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['a truncated fixed64', [0x09, 0x01]],
    ['a truncated fixed32', [0x0d, 0x01]],
    ['a group', [0x0b]],
    ['the end of a group', [0x0c]],
    ['wire type 7', [0x0f]],
    ['field number 0', [0x00, 0x00]],
  ])('refuses %s', (_, bytes) => {
    const wire = reader(...bytes);
    expect(() => wire.next()).toThrow(expect.objectContaining({ name: 'CollectorError', code: 'malformed_protobuf' }));
    expect(() => reader(...bytes).next()).toThrow(expect.objectContaining({ code: 'malformed_protobuf' }));
  });

  test('refuses to read a value as another wire type', () => {
    const wire = reader(0x0a, 0x01, 0x61);
    wire.next();
    expect(() => wire.int64()).toThrow('wire type 2 instead of 0');
    expect(() => wire.fixed64()).toThrow('wire type 2 instead of 1');
  });
});
