// A tar as `podman import` reads it: ustar, sorted, every time stamp 0.

import { closeSync, openSync, writeSync } from 'node:fs';

/**
 * @param entries by path: `type` of ustar ('0' file, '2' link, '5' directory), `mode`, and what it
 *   needs of `content`, `link`, `uid`, `gid`
 */
export function writeTar(out, entries) {
  const tar = openSync(out, 'w');
  for (const [path, entry] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const content = entry.content ?? Buffer.alloc(0);
    writeSync(tar, header(`.${path}${entry.type === '5' ? '/' : ''}`, entry, content.length));
    for (let done = 0; done < content.length; ) done += writeSync(tar, content, done);
    writeSync(tar, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  writeSync(tar, Buffer.alloc(1024));
  closeSync(tar);
}

function header(path, { type, mode, uid = 0, gid = 0, link = '' }, size) {
  const block = Buffer.alloc(512);
  const octal = (value, length) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  const put = (text, offset) => block.write(text, offset, 'latin1');
  put(path, 0);
  put(octal(mode, 8), 100);
  put(octal(uid, 8), 108);
  put(octal(gid, 8), 116);
  put(octal(size, 12), 124);
  put(octal(0, 12), 136);
  put(' '.repeat(8), 148);
  put(type, 156);
  put(link, 157);
  put('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
