/** The LAN: who reaches whom in each mode, as docs/networking.md says, and what changes nothing of it. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  addGateway,
  containerIds,
  containerPid,
  ibq,
  ibqOk,
  prepareHost,
  statusOf,
  told,
} from './gateways.ts';
import { describeOnHosts } from './harness.ts';
import {
  configure,
  FAR,
  FAR_OTHER,
  HOST,
  parseColumn,
  reach,
  readTable,
  type Setup,
  WAYS,
} from './reachability.ts';

const documented = readTable();
const stranger = readFileSync(new URL('stranger.py', import.meta.url), 'utf8');

describeOnHosts('who reaches what', (host) => {
  beforeAll(async () => {
    await prepareHost(host);
    await host.ok(`ip -n wan1 address add ${FAR_OTHER}/24 dev eth0`);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002');
  });

  describe('who reaches what, as docs/networking.md says', () => {
    test('the table has each way, and nothing else', () => {
      for (const { cells } of documented) expect(Object.keys(cells)).toEqual(Object.keys(WAYS));
    });

    test.each(documented)('$column', async ({ column, cells }) => {
      const setup = parseColumn(column);
      await configure(host, setup);
      await deploy('--restart-changed');
      const containers = await containerIds(host);
      const without = await reach(host, setup);
      let withAccess = without;
      if (setup.mode !== 'bridge') {
        await configure(host, { ...setup, hostAccess: true });
        await deploy();
        withAccess = await reach(host, setup);
        // Turned on and off without a restart.
        expect(await containerIds(host)).toEqual(containers);
        await configure(host, setup);
        await deploy();
        expect(await reach(host, setup)).toEqual(without);
        expect(await containerIds(host)).toEqual(containers);
      }
      const seen = Object.keys(WAYS).map((way) => [
        way,
        without[way] ? 'OK' : withAccess[way] ? 'shim' : '–',
      ]);
      expect(Object.fromEntries(seen)).toEqual(cells);
      for (const [way, answered] of Object.entries(without)) {
        if (answered) expect(withAccess[way], way).toBe(true);
      }
    });
  });

  test('strict reverse path filtering, on each interface of host and instance, changes nothing of it', async () => {
    const setup: Setup = { mode: 'dual', publish: HOST, hostAccess: true };
    await configure(host, setup);
    await deploy('--restart-changed');
    const before = await reach(host, setup);
    const filter = async (mode: number) => {
      const all = `for it in /proc/sys/net/ipv4/conf/*/rp_filter; do echo ${mode} >$it; done`;
      await host.ok(all);
      for (const name of ['4001', '4002']) {
        await host.ok(`nsenter -t ${await containerPid(host, name)} -n sh -c '${all}'`);
      }
    };
    // How the kernel takes a client's packet that comes in over the LAN.
    const taken = async () =>
      (await host.run(`ip route get ${HOST} from ${FAR} iif eth1`)).exitCode === 0;
    await filter(1);
    expect(await reach(host, setup)).toEqual(before);
    expect(await taken()).toBe(true);

    await host.ok('ip route del 203.0.113.0/24');
    expect(await taken()).toBe(false);
    await filter(2);
    expect(await taken()).toBe(true);
    await host.ok('ip route add 203.0.113.0/24 via 10.0.0.1 dev eth1');
    await filter(0);
    expect(before['allowed LAN client → host']).toBe(true);
    expect(before['host → LAN address']).toBe(true);
  });

  test('a machine of the LAN that takes the address of the host among its instances stays out', async () => {
    const shim = '10.0.0.223';
    const pid = await containerPid(host, '4001');
    const { lan } = await statusOf(host, '4001');
    await host.writeFile('/srv/stranger.py', stranger);
    const said = await host.ok(`
      ip -n lan2 address add ${shim}/32 dev eth0
      ip netns exec lan2 python3 /srv/stranger.py ${lan?.address} ${lan?.mac} 4003 ${shim} 3
      ip -n lan2 address del ${shim}/32 dev eth0`);
    const [tried = 0, accepted] = said.split(' ').map(Number);
    expect(tried).toBeGreaterThan(20);
    expect(accepted).toBe(0);
    // The host has its way back as soon as it is heard of again.
    await host.ok(`nsenter -t ${pid} -n ip neigh flush dev lan0`);
    const ways = await reach(host, { mode: 'dual', publish: HOST, hostAccess: true });
    expect(ways['host → LAN address']).toBe(true);
  });

  test('everybody is allowed only by a risk that is named, and other instances still not', async () => {
    const setup: Setup = { mode: 'dual', publish: '0.0.0.0', allow: ['0.0.0.0/0'] };
    await configure(host, setup);
    const refused = await ibq(host, ['deploy']);
    expect(refused.exitCode).toBe(78);
    expect(refused.stderr).toContain('publish.accept_risk = "open-api"');

    await deploy('--restart-changed', '--accept-risk', 'open-api');
    // What is in force is told without the flag.
    await ibqOk(host, ['status']);
    const open = await reach(host, setup);
    expect(Object.entries(open).flatMap(([way, answered]) => (answered ? [] : [way]))).toEqual(
      expect.arrayContaining(['another instance → host', 'another instance → LAN address']),
    );
    expect(open['other LAN client → host']).toBe(true);
    expect(open['other LAN client → LAN address']).toBe(true);
    expect(open['other client off the LAN → host']).toBe(true);
  });

  async function deploy(...flags: string[]) {
    const result = await ibq(host, ['deploy', ...flags]);
    expect(result.exitCode, await told(host, result)).toBe(0);
    return result;
  }
});
