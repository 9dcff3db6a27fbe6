import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createFrameDecoder,
  decodeFields,
  encodeFields,
  encodeFrame,
  encodeHello,
  encodeReqCurrentTime,
  encodeStartApi,
  MAX_FRAME_LENGTH,
  parseHello,
  parseServerMessage,
} from '../../src/gateway/api-protocol.ts';

describe('what a probe sends, byte for byte', () => {
  const rows = [
    { name: 'hello', bytes: encodeHello(), hex: '41504900000000097631 30302e2e313837' },
    {
      name: 'startApi of client 999',
      bytes: encodeStartApi(999),
      hex: '0000000a 37310032003939390000',
    },
    { name: 'reqCurrentTime', bytes: encodeReqCurrentTime(), hex: '00000005 3439003100' },
    { name: 'an empty frame', bytes: encodeFrame(''), hex: '00000000' },
  ];
  it.each(rows)('$name', ({ bytes, hex }) => {
    expect(bytes.toString('hex')).toBe(hex.replaceAll(' ', ''));
  });
});

describe('parseHello', () => {
  const rows = [
    [
      '187\x0020261121 07:00:00 EST\0',
      { serverVersion: 187, connectionTime: '20261121 07:00:00 EST' },
    ],
    ['187\0', null],
    ['187\0now\0more\0', null],
    ['hello\0now\0', null],
    ['', null],
    ['187\0now', null],
  ] as const;
  it.each(rows)('%j', (text, expected) => {
    expect(parseHello(Buffer.from(text))).toEqual(expected);
  });
});

describe('parseServerMessage', () => {
  const rows = [
    ['15\x001\0DU1,DU2,\0', { kind: 'accounts', accounts: ['DU1', 'DU2'] }],
    ['15\x001\0\0', { kind: 'accounts', accounts: [] }],
    ['9\x001\x0042\0', { kind: 'next-valid-id', id: 42 }],
    ['9\x001\0x\0', { kind: 'other' }],
    ['4\x002\0-1\x002104\0fine\0\0', { kind: 'error', id: -1, code: 2104, text: 'fine' }],
    ['4\x002\0', { kind: 'other' }],
    ['49\x001\x001700000000\0', { kind: 'current-time', epoch: 1_700_000_000 }],
    ['', { kind: 'other' }],
    ['999\x001\0', { kind: 'other' }],
  ] as const;
  it.each(rows)('%j', (text, expected) => {
    expect(parseServerMessage(Buffer.from(text))).toEqual(expected);
  });
  it('never throws', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseServerMessage(bytes)));
  });
});

describe('fields', () => {
  it('come back as they went', () => {
    const field = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        expect(decodeFields(encodeFields(...fields).subarray(4))).toEqual(fields);
      }),
    );
  });
});

describe('createFrameDecoder', () => {
  it('gives the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (payloads, cuts) => {
          const stream = Buffer.concat(payloads.map((payload) => encodeFrame(payload)));
          const decoder = createFrameDecoder();
          const frames: Buffer[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const length = cuts[i % cuts.length] ?? 1;
            frames.push(...decoder.push(stream.subarray(at, at + length)));
            at += length;
          }
          expect(frames.map((frame) => [...frame])).toEqual(
            payloads.map((payload) => [...payload]),
          );
          expect(decoder.pending).toBe(0);
        },
      ),
    );
  });

  it('never throws on garbage and keeps no more than a frame', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
        const decoder = createFrameDecoder(64);
        for (const chunk of chunks) {
          for (const frame of decoder.push(chunk)) expect(frame.length).toBeLessThanOrEqual(64);
          expect(decoder.pending).toBeLessThan(68);
        }
      }),
    );
  });

  it('refuses a length beyond the limit, and everything after it', () => {
    const decoder = createFrameDecoder();
    expect(decoder.push(Buffer.concat([encodeFrame('a'), Buffer.from('SSH-2.0-x')]))).toHaveLength(
      1,
    );
    expect(decoder.hostileLength).toBe(0x5353482d);
    expect(decoder.push(encodeFrame('b'))).toEqual([]);
    expect(decoder.pending).toBe(0);
  });

  it('takes a frame of the longest length and none longer', () => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(MAX_FRAME_LENGTH);
    const decoder = createFrameDecoder();
    expect(decoder.push(head)).toEqual([]);
    expect(decoder.hostileLength).toBeNull();
    head.writeUInt32BE(MAX_FRAME_LENGTH + 1);
    const refusing = createFrameDecoder();
    refusing.push(head);
    expect(refusing.hostileLength).toBe(MAX_FRAME_LENGTH + 1);
  });

  it('is quick with a large frame that drips in', () => {
    const decoder = createFrameDecoder();
    const frame = encodeFrame(Buffer.alloc(1 << 20));
    let frames = 0;
    for (let at = 0; at < frame.length; at += 64)
      frames += decoder.push(frame.subarray(at, at + 64)).length;
    expect(frames).toBe(1);
  });
});
