/**
 * The IB (TWS) API on the wire, as far as a probe needs it: pure bytes in, typed data out.
 * A frame is a 4-byte big-endian length and a payload; a text payload is fields, each ended by NUL.
 * Source: the clients @stoqey/ib and ib_async.
 */

/** Longest payload a frame may announce, in bytes: the limit of IB's own clients (0xFFFFFF). */
export const MAX_FRAME_LENGTH = 0xff_ff_ff;

/** Highest version asked for. From 201 on message ids are binary, so it has to stay at or below 200. */
const VERSION_RANGE = 'v100..187';

/** Ids of the messages used here; the client's and the server's ids are separate tables. */
export const ClientMessage = {
  placeOrder: 3,
  reqIds: 8,
  reqManagedAccounts: 17,
  reqCurrentTime: 49,
  startApi: 71,
} as const;
export const ServerMessage = {
  error: 4,
  nextValidId: 9,
  managedAccounts: 15,
  currentTime: 49,
} as const;

/** Codes of error messages (id 4) that say something about the session rather than about an order. */
export const ApiCode = {
  clientIdInUse: 326,
  readOnly: 321,
  notConnected: 504,
  linkLost: 1100,
  linkRestoredDataLost: 1101,
  linkRestored: 1102,
  linkBroken: 2110,
} as const;

/** One frame of the given payload. */
export function encodeFrame(payload: string | Uint8Array): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload;
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

/** One frame of text fields, each ended by NUL. */
export function encodeFields(...fields: readonly (string | number)[]): Buffer {
  return encodeFrame(fields.map((field) => `${field}\0`).join(''));
}

/** Fields of a text payload. What follows the last NUL is not a field. */
export function decodeFields(payload: Uint8Array): string[] {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    .toString('utf8')
    .split('\0')
    .slice(0, -1);
}

/** What a client says first: `API\0` and its range of versions, a frame without a NUL. */
export function encodeHello(): Buffer {
  return Buffer.concat([Buffer.from('API\0'), encodeFrame(VERSION_RANGE)]);
}

/** Opens a session under `clientId`; only after the server's hello. */
export function encodeStartApi(clientId: number): Buffer {
  return encodeFields(ClientMessage.startApi, 2, clientId, '');
}

export function encodeReqCurrentTime(): Buffer {
  return encodeFields(ClientMessage.reqCurrentTime, 1);
}

/** The server's hello, or `null` for any other frame (those are to be skipped). */
export function parseHello(
  payload: Uint8Array,
): { serverVersion: number; connectionTime: string } | null {
  const [version, connectionTime, ...more] = decodeFields(payload);
  if (version === undefined || connectionTime === undefined || more.length > 0) return null;
  return /^\d{1,4}$/.test(version) ? { serverVersion: Number(version), connectionTime } : null;
}

export type ServerNews =
  | { kind: 'accounts'; accounts: string[] }
  | { kind: 'next-valid-id'; id: number }
  | { kind: 'current-time'; epoch: number }
  | { kind: 'error'; id: number; code: number; text: string }
  | { kind: 'other' };

/** One message of an open session. Never throws: what is not understood is `other`. */
export function parseServerMessage(payload: Uint8Array): ServerNews {
  const [type, , third = '', fourth = '', fifth = ''] = decodeFields(payload);
  switch (Number(type)) {
    case ServerMessage.managedAccounts:
      return {
        kind: 'accounts',
        accounts: third
          .split(',')
          .map((a) => a.trim())
          .filter((a) => a !== ''),
      };
    case ServerMessage.nextValidId:
      return /^\d+$/.test(third) ? { kind: 'next-valid-id', id: Number(third) } : { kind: 'other' };
    case ServerMessage.currentTime:
      return /^\d+$/.test(third)
        ? { kind: 'current-time', epoch: Number(third) }
        : { kind: 'other' };
    case ServerMessage.error:
      return /^\d+$/.test(fourth)
        ? { kind: 'error', id: Number(third), code: Number(fourth), text: fifth }
        : { kind: 'other' };
    default:
      return { kind: 'other' };
  }
}

export interface FrameDecoder {
  /**
   * Takes the next bytes of the stream; the payloads that are complete with them. Any cutting of
   * the stream gives the same payloads.
   */
  push(chunk: Uint8Array): Buffer[];
  /** Length that a peer announced beyond the limit; from then on nothing is decoded or kept. */
  readonly hostileLength: number | null;
  /** Bytes kept of a frame that is not complete. */
  readonly pending: number;
}

/** Keeps at most one incomplete frame of `maxLength` bytes; time is linear in what is received. */
export function createFrameDecoder(maxLength: number = MAX_FRAME_LENGTH): FrameDecoder {
  let chunks: Uint8Array[] = [];
  let size = 0;
  let needed = 4;
  let hostileLength: number | null = null;
  return {
    get hostileLength() {
      return hostileLength;
    },
    get pending() {
      return size;
    },
    push(chunk) {
      const frames: Buffer[] = [];
      if (hostileLength !== null) return frames;
      chunks.push(chunk);
      size += chunk.length;
      // Joined only when there is something to take: a frame that drips in costs no copies.
      if (size < needed) return frames;
      let bytes = Buffer.concat(chunks);
      while (bytes.length >= 4) {
        const length = bytes.readUInt32BE();
        if (length > maxLength) {
          hostileLength = length;
          chunks = [];
          size = 0;
          return frames;
        }
        if (bytes.length < 4 + length) break;
        frames.push(bytes.subarray(4, 4 + length));
        bytes = bytes.subarray(4 + length);
      }
      needed = bytes.length >= 4 ? 4 + bytes.readUInt32BE() : 4;
      chunks = bytes.length > 0 ? [bytes] : [];
      size = bytes.length;
      return frames;
    },
  };
}
