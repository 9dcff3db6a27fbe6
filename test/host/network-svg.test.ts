/** `ibq network show --svg`: a picture of a real host, read by a whole XML parser (expat). */

import { beforeAll, expect, test } from 'vitest';
import { renderSvg } from '../../src/network/show-svg.ts';
import { changed, shownHost } from '../network/shown.ts';
import { addGateway, addressOf, ibq, ibqOk, lanAddress, prepareHost } from './gateways.ts';
import { describeOnHosts } from './harness.ts';

/** Prints the text of each <text>, a line each. */
const READ = `
import sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
assert root.tag == '{http://www.w3.org/2000/svg}svg', root.tag
for text in root.iter('{http://www.w3.org/2000/svg}text'):
    print(''.join(text.itertext()))
`;

describeOnHosts('the picture', (host) => {
  const linesOf = async (svg: string) =>
    (await host.ok(['python3', '-c', READ], { stdin: svg })).split('\n');

  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, 'research', { mode: 'paper', port: 4010 });
    await ibqOk(host, ['deploy']);
  });

  test('what the system says of each gateway', async () => {
    const { stdout, stderr } = await ibqOk(host, ['network', 'show', '--svg', '/root/net.svg']);
    expect([stdout, stderr]).toEqual(['', 'wrote /root/net.svg\n']);
    const lines = await linesOf(await host.readFile('/root/net.svg'));
    for (const [name, published] of [
      ['4001', '127.0.0.1:4001'],
      ['research', '127.0.0.1:4010'],
    ] as const) {
      expect(lines).toEqual(
        expect.arrayContaining([
          name,
          published,
          `pub0 ${await addressOf(host, name, 'pub0')}`,
          `${await lanAddress(host, name)} lan0`,
        ]),
      );
    }
    expect(lines).toEqual(expect.arrayContaining(['eth1  up', 'Router 10.0.0.1', '10.0.0.7']));
    expect(lines.filter((it) => it === 'running · API handshake')).toHaveLength(2);
  });

  test('standard output', async () => {
    const { stdout } = await ibqOk(host, ['network', 'show', '--svg', '-']);
    expect(await linesOf(stdout)).toContain('4001');
  });

  test('a full disk leaves the file of before', async () => {
    await host.ok('mkdir -p /mnt/small && mount -t tmpfs -o size=8k tmpfs /mnt/small');
    await host.writeFile('/mnt/small/net.svg', 'before');
    const { exitCode, stderr } = await ibq(host, [
      'network',
      'show',
      '--svg',
      '/mnt/small/net.svg',
    ]);
    const left = await host.ok('cat /mnt/small/net.svg; ls -A /mnt/small');
    await host.ok('umount /mnt/small');
    expect(stderr).toBe(
      'ibq: cannot write /mnt/small/net.svg: no space left on the device; free some and repeat\n',
    );
    expect(exitCode).toBe(1);
    expect(left).toBe('beforenet.svg\n');
  });

  test('devices and links are left as they are', async () => {
    const look = () => host.ok('stat -c "%F %n" /dev/null /dev/stdout');
    const before = await look();
    for (const path of ['/dev/null', '/dev/stdout', '/root']) {
      const { exitCode, stderr } = await ibq(host, ['network', 'show', '--svg', path]);
      expect(stderr).toContain(`--svg ${path}: should be a file, or - for standard output`);
      expect(exitCode).toBe(64);
    }
    expect(await look()).toBe(before);
  });

  test.each([
    ['</text><b a="1">&\'', '</text><b a="1">&\''],
    [']]>', ']]>'],
    ['a\0b\u001bc\ufffed\ud800e', 'a\ufffdb\ufffdc\ufffdd\ufffde'],
    ['\u202e4001', '\ufffd4001'],
  ])('a hostile name is text: %j', async (name, read) => {
    const show = changed(shownHost({ mode: 'dual', count: 2 }), 0, { name, problems: [name] });
    const lines = await linesOf(renderSvg({ ...show, problems: [name] }, 'now'));
    expect(lines).toEqual(expect.arrayContaining([read, `! ${read}`, '4002']));
  });
});
