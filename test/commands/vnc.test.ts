/** `ibq vnc`: where the screen is, and which key switches it on. Ports here are real ones. */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { vnc } from '../../src/commands/vnc.ts';
import { misfits } from '../schema/validate.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { liveHost } from '../support/live-host.ts';

const PLAIN = { json: false };
const SSH = { SSH_CONNECTION: '203.0.113.9 51234 10.0.0.5 22', USER: 'trader' };

/** 4001 with VNC on `port`. */
async function host(port: number, env: Record<string, string> = SSH) {
  const sand = await deployedTree({
    '/etc/ibq/instances/4001.toml': `mode = "live"\nuser = "u"\nread_only_api = true\n[vnc]\nenabled = true\nport = ${port}\n`,
  });
  const { context } = liveHost(sand);
  return { sand, context: { ...context, env } };
}

/** A port where a VNC server greets. */
async function screen(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('RFB 003.008\n');
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('a screen that is on', () => {
  test('how to get there, from here and from elsewhere, and what its password is', async () => {
    const port = await screen();
    const { sand, context } = await host(port);
    expect(await vnc(context, '4001', PLAIN)).toBe(0);
    expect(sand.out.join('\n').split('\n')).toEqual([
      'VNC of 4001',
      `  on this host   localhost:${port}`,
      `  from elsewhere ssh -N -L ${port}:127.0.0.1:${port} trader@10.0.0.5`,
      `                 then localhost:${port} there`,
      '  password       the secret vnc_password (sudo ibq secret set 4001 vnc_password)',
    ]);
    expect(sand.notes).toEqual([]);
  });

  test('as JSON', async () => {
    const port = await screen();
    const { sand, context } = await host(port);
    await vnc(context, '4001', { json: true });
    expect(sand.json).toMatchObject([
      {
        name: '4001',
        ssh: { target: 'trader@10.0.0.5', port: null },
        ways: [{ service: 'vnc', publish: `127.0.0.1:${port}`, lan: null, answers: true }],
      },
    ]);
    expect(misfits('vnc', { schemaVersion: 1, ...sand.json[0] })).toEqual([]);
  });

  test('that does not answer: said', async () => {
    const { sand, context } = await host(1);
    expect(await vnc(context, '4001', PLAIN)).toBe(0);
    expect(sand.notes).toEqual(['VNC does not answer at 127.0.0.1:1; look at "sudo ibq status"']);
  });
});

describe('a screen that is off: 1', () => {
  test('the key that switches it on is named', async () => {
    const { context } = liveHost(await deployedTree());
    await expect(vnc(context, '4001', PLAIN)).rejects.toMatchObject({
      exitCode: 1,
      message:
        'instance 4001 shows no screen; set vnc.enabled = true in /etc/ibq/instances/4001.toml, then run "sudo ibq secret set 4001 vnc_password" and "sudo ibq deploy"',
    });
  });

  test('switched on, and not deployed yet', async () => {
    const sand = await deployedTree();
    sand.write('/etc/ibq/instances/4001.toml', 'user = "u"\n[vnc]\nenabled = true\n');
    await expect(vnc(liveHost(sand).context, '4001', PLAIN)).rejects.toThrow(
      'instance 4001: vnc is switched on and not deployed; run "sudo ibq deploy"',
    );
  });

  test('a broken configuration does not hide that', async () => {
    const sand = await deployedTree();
    sand.write('/etc/ibq/instances/4001.toml', 'broken [');
    await expect(vnc(liveHost(sand).context, '4001', PLAIN)).rejects.toThrow('vnc.enabled');
  });
});

test('an instance that is not deployed: 64', async () => {
  const { context } = liveHost(await deployedTree());
  await expect(vnc(context, '4009', PLAIN)).rejects.toMatchObject({ exitCode: 64 });
});
