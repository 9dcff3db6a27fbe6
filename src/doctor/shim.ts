/** The check of the host's interface among its instances (`network.host_access`). */

import { SHIM_INTERFACE, SHIM_UNIT, STATIC_UNITS } from '../plan/paths.ts';
import { defineCheck, type Finding, fail, ok, verdictOf, warn } from './check.ts';
import type { ShimFacts } from './facts.ts';

const RESTART = 'sudo systemctl restart ibq-shim';

export const shim = defineCheck({
  id: 'shim',
  title: 'host access',
  needs: ['shim'],
  judge: ({ shim: facts }) => {
    const { wanted, link } = facts;
    if (wanted !== null) {
      const settings = parseSettings(wanted);
      return verdictOf(
        [...linkFindings(facts, settings), ...unitFindings(facts)],
        `${SHIM_INTERFACE} has ${settings.address} and leads to ${settings.routes.join(', ')}`,
      );
    }
    if (link === null) return ok('network.host_access is off');
    const detail = `${SHIM_INTERFACE} is there, and network.host_access is off`;
    return verdictOf([warn(detail, `sudo ip link delete ${SHIM_INTERFACE}`)], '');
  },
});

interface Settings {
  interface: string;
  driver: string;
  /** Empty in a file of an older ibq. */
  mac: string;
  address: string;
  /** As `ip route` shows them: an address alone without its prefix. */
  routes: string[];
}

/** @param text of shim.conf */
function parseSettings(text: string): Settings {
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  const routes = value('ROUTES').split(' ').filter(Boolean);
  return {
    interface: value('INTERFACE'),
    driver: value('DRIVER'),
    mac: value('MAC'),
    address: value('ADDRESS'),
    routes: routes.map((route) => route.replace(/\/32$/, '')),
  };
}

function linkFindings({ wanted, loaded, link, ways }: ShimFacts, settings: Settings): Finding[] {
  if (link === null) {
    return [
      fail(
        `${SHIM_INTERFACE} is gone: this host does not reach the LAN addresses of its instances`,
        `${RESTART}; where it fails, look whether ${settings.interface} is up: journalctl -u ${SHIM_UNIT}`,
      ),
    ];
  }
  const lost = settings.routes.filter((route) => !link.routes.includes(route));
  const wrong = [
    ...(loaded === wanted ? [] : ['was set up otherwise than deployed']),
    ...(link.up ? [] : ['should be up, is down']),
    ...(link.addresses.includes(settings.address) ? [] : [`should have ${settings.address}`]),
    ...(lost.length === 0 ? [] : [`should have a route to ${lost.join(', ')}`]),
  ];
  if (wrong.length > 0) {
    return wrong.map((what) => fail(`${SHIM_INTERFACE} ${what}`, RESTART));
  }
  if (settings.mac !== '' && link.mac !== settings.mac) {
    const detail = `${SHIM_INTERFACE} should have the MAC ${settings.mac}, by which the guards know it, has ${link.mac}`;
    return [fail(detail, settings.driver === 'ipvlan' ? 'sudo ibq deploy' : RESTART)];
  }
  return ways
    .filter((way) => way.interface !== SHIM_INTERFACE)
    .map((way) =>
      fail(
        `what this host sends to ${way.address} leaves by ${way.interface ?? 'no interface'}, not by ${SHIM_INTERFACE}`,
        `take out the route or rule that goes before: ip route get ${way.address}; ip rule`,
      ),
    );
}

function unitFindings({ unit }: ShimFacts): Finding[] {
  const own = `${STATIC_UNITS}/${SHIM_UNIT}`;
  if (unit.load !== 'loaded') {
    return [fail(`${SHIM_UNIT} should be loaded, is ${unit.load}`, 'sudo ibq deploy')];
  }
  if (unit.fragment !== own) {
    return [
      fail(
        `${unit.fragment} takes the place of ${own}`,
        `move ${unit.fragment} away, then: sudo systemctl daemon-reload`,
      ),
    ];
  }
  if (!unit.atBoot) {
    return [warn('ib-gateways.target does not start it at the next boot', 'sudo ibq deploy')];
  }
  return unit.active === 'active' ? [] : [fail(`${SHIM_UNIT} is ${unit.active}`, RESTART)];
}
