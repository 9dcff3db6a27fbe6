/**
 * `ibq doctor` on a booted host: the host among its instances. Each check is broken for its real cause, is
 * found, is mended as it says itself, and passes. One host, cases in order; doctor-*.test.ts have the other
 * checks.
 */

import { beforeAll, expect, test } from 'vitest';
import { doctorOn } from './doctor-cases.ts';
import { ALLOWED, addGateway, allow, ibqOk, lanAddress, prepareHost } from './gateways.ts';
import { describeOnHosts } from './harness.ts';

describeOnHosts('doctor of the shim', (host) => {
  const { asSaid, check, passes, writeHostConfig } = doctorOn(host);

  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002');
    await writeHostConfig(`[network]\nallow = ["${ALLOWED}"]\nhost_access = true\n`);
    await ibqOk(host, ['deploy']);
    await passes('shim');
  });

  test.each([
    ['gone', 'ip link delete ibqshim', /ibqshim is gone/],
    ['down', 'ip link set ibqshim down', /should be up, is down; .* should have a route to/],
    ['without its address', 'ip address flush dev ibqshim', /ibqshim should have 10\.0\.0\.223/],
    ['without its route', 'ip route flush dev ibqshim', /should have a route to 10\.0\.0\.192\/27/],
    [
      'of before a change',
      "sed -i 's/223/222/' /run/ibq/shim.conf",
      /set up otherwise than deployed/,
    ],
    ['its unit stopped', 'systemctl stop ibq-shim', /ibqshim is gone/],
  ])('%s', (_, broken, says) =>
    check('shim', 'fail', {
      break: () => host.ok(broken),
      says,
      mend: async (found) => {
        expect(found.mend).toMatch(/^sudo systemctl restart ibq-shim(;|$)/m);
        await host.ok('systemctl restart ibq-shim');
      },
    }),
  );

  test('a route of somebody else goes before', async () => {
    const address = await lanAddress(host, '4001');
    await check('shim', 'fail', {
      break: () => host.ok(`ip route add ${address}/32 dev eth1`),
      says: new RegExp(`^what this host sends to ${address} leaves by eth1, not by ibqshim$`),
      mend: ({ mend }) => {
        expect(mend).toContain(`ip route get ${address}; ip rule`);
        return host.ok(`ip route del ${address}/32 dev eth1`);
      },
    });
  });

  test('another unit in the place of its own', () =>
    check('shim', 'fail', {
      break: async () => {
        const file = '/etc/systemd/system.control/ibq-shim.service';
        await host.writeFile(file, '[Service]\nExecStart=true\n');
        await host.ok('systemctl daemon-reload');
      },
      says: /system\.control\/ibq-shim\.service takes the place of/,
      mend: () =>
        host.ok('rm /etc/systemd/system.control/ibq-shim.service; systemctl daemon-reload'),
    }));

  test('not at the next boot', () =>
    check('shim', 'warn', {
      break: () => host.ok('systemctl disable --quiet ib-gateways.target'),
      says: /does not start it at the next boot/,
      mend: asSaid,
    }));

  test('left over', async () => {
    await allow(host, [ALLOWED]);
    await ibqOk(host, ['deploy']);
    await passes('shim');
    await check('shim', 'warn', {
      break: () => host.ok('ip link add ibqshim link eth1 type macvlan mode bridge'),
      says: /network\.host_access is off/,
      mend: asSaid,
    });
  });
});
