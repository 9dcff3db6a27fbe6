/**
 * The networks of a generation. File, network name and label carry a hash of the definition: Podman
 * never changes a network that exists, so a changed definition is a new network beside the old one.
 */

import { createHash } from 'node:crypto';
import type { Lan } from '../config/types.ts';
import { bridgePrefix } from '../network/guard.ts';
import type { Cidr } from '../network/ipv4.ts';
import { bridgeGateway } from '../network/publish-network.ts';
import { quoteWord } from './escape.ts';
import { fillTemplate, type TemplateName } from './template.ts';
import { addValue, assignments, formatUnit, parseUnit } from './unit-file.ts';

export interface RenderedNetwork {
  /** Network name in Podman, `ibq-lan-1a2b3c4d`. */
  name: string;
  /** `ibq-lan-1a2b3c4d.network`. */
  file: string;
  /** `ibq-lan-1a2b3c4d-network.service`. */
  service: string;
  kind: 'lan' | 'publish';
  /** Text of the unit. */
  definition: string;
}

/** With two networks one alone has the default route: Podman's order is random per start (containers/podman#12850). */
export function renderPublishNetwork(
  template: string,
  subnet: Cidr,
  { wayOut }: { wayOut: boolean },
): RenderedNetwork {
  const values = { SUBNET: subnet, GATEWAY: bridgeGateway(subnet) };
  return render('publish', wayOut ? template : withoutRoute(template), (hash) => ({
    ...values,
    BRIDGE: `${bridgePrefix}${hash}`,
  }));
}

export function renderLanNetwork(
  template: string,
  lan: Lan,
  { wayOut }: { wayOut: boolean },
): RenderedNetwork {
  const values = {
    DRIVER: lan.driver,
    DRIVER_MODE: lan.driver === 'ipvlan' ? 'l2' : 'bridge',
    // Interface names may hold any character but blanks and `/`.
    INTERFACE: quoteWord(lan.interface),
    SUBNET: lan.subnet,
    GATEWAY: lan.gateway,
    RANGE: lan.range,
  };
  return render('lan', wayOut ? template : withoutRoute(template), () => values);
}

function withoutRoute(template: string): string {
  return formatUnit(addValue(parseUnit(template), 'Network', 'Options', 'no_default_route=1'));
}

function render(
  kind: RenderedNetwork['kind'],
  template: string,
  valuesFor: (hash: string) => Record<string, string>,
): RenderedNetwork {
  const file: TemplateName = `ibq-${kind}.network`;
  const fill = (hash: string) =>
    fillTemplate(file, template, {
      ...valuesFor(hash),
      NETWORK_NAME: `ibq-${kind}-${hash}`,
      HASH: hash,
    });
  // The definition is all but comments and its own hash.
  const meaning = JSON.stringify(assignments(parseUnit(fill('0'.repeat(8)))));
  const hash = createHash('sha256').update(meaning).digest('hex').slice(0, 8);
  const name = `ibq-${kind}-${hash}`;
  return {
    name,
    file: `${name}.network`,
    service: `${name}-network.service`,
    kind,
    definition: fill(hash),
  };
}
