/** Keys of the host: `[image]`, `[network]` and `[publish]` of ibq.toml, and those of network.toml. */

import { PROFILE_IDS } from '../images/index.ts';
import type { KeySpec } from './key-spec.ts';

export const IMAGE: readonly KeySpec[] = [
  {
    name: 'profile',
    type: { kind: 'choice', values: PROFILE_IDS },
    default: 'gnzsnz',
    description: 'What ibq knows about the image: its ports, its environment, its user.',
    example: 'gnzsnz',
  },
  {
    name: 'reference',
    type: { kind: 'text', format: 'image' },
    default: null,
    unset: 'the image that the profile is made for',
    description:
      'The image, with its registry. Tags move; only a digest (`…@sha256:…`) is always the same image.',
    example: 'ghcr.io/gnzsnz/ib-gateway:stable',
  },
];

export const NETWORK: readonly KeySpec[] = [
  {
    name: 'mode',
    type: {
      kind: 'choice',
      values: ['dual', 'bridge', 'lan', 'host'],
    },
    default: null,
    unset: '`dual` where interface, subnet, gateway and range are known, `bridge` otherwise',
    description:
      'How instances are reached. `dual`: at the published port, and by allowed LAN clients at an ' +
      'address of their own; `bridge`: at the published port; `lan`: at their own LAN address only; ' +
      "`host`: in the host's own network, at ports of its own.",
    example: 'dual',
  },
  {
    name: 'driver',
    type: { kind: 'choice', values: ['macvlan', 'ipvlan'] },
    default: 'macvlan',
    description: 'Kind of LAN network. `ipvlan` where the parent is Wi-Fi, which drops other MACs.',
    example: 'macvlan',
  },
  {
    name: 'interface',
    type: { kind: 'text', format: 'interface' },
    default: null,
    unset: 'what `ibq network detect --write` pinned',
    description: 'Private interface of the host that the LAN network hangs on.',
    example: 'eth1',
  },
  {
    name: 'subnet',
    type: { kind: 'text', format: 'subnet' },
    default: null,
    unset: 'what `ibq network detect --write` pinned',
    description: 'Subnet of that interface.',
    example: '10.0.0.0/24',
  },
  {
    name: 'gateway',
    type: { kind: 'text', format: 'address' },
    default: null,
    unset: 'what `ibq network detect --write` pinned',
    description: 'Router of that subnet.',
    example: '10.0.0.1',
  },
  {
    name: 'range',
    type: { kind: 'text', format: 'subnet' },
    default: null,
    unset: 'what `ibq network detect --write` pinned',
    description:
      'Addresses that ibq may give to instances. Keep it outside the DHCP range: no probe can see ' +
      'which addresses a DHCP server will hand out tomorrow.',
    example: '10.0.0.192/27',
  },
  {
    name: 'egress',
    type: { kind: 'choice', values: ['host', 'lan'] },
    default: null,
    unset: '`lan` in mode `lan`, `host` otherwise',
    description:
      'Way out to IBKR. `host`: as the host itself goes; `lan`: over the LAN interface of the ' +
      'instance and the gateway of the LAN. In mode `dual` it may be either.',
    example: 'host',
  },
  {
    name: 'host_access',
    type: { kind: 'boolean' },
    default: false,
    description:
      'Lets this host reach the LAN addresses of its instances, which a macvlan otherwise never ' +
      'does. Takes the last address of the range for an interface `ibqshim`.',
    example: true,
  },
  {
    name: 'host_services',
    type: { kind: 'list', format: 'hostService' },
    default: [],
    description:
      'TCP ports of this host that gateways may connect to, such as that of a database; `"all"`: every service ' +
      'of this host. Empty: none but name servers (port 53).',
    example: ['5432'],
  },
  {
    name: 'link_local',
    type: { kind: 'boolean' },
    default: false,
    description:
      'Whether gateways may connect to 169.254.0.0/16, where clouds have their metadata, and with it often ' +
      'credentials of this host. Name servers there (port 53) are open in any case.',
    example: true,
  },
  {
    name: 'masquerade',
    type: { kind: 'boolean' },
    default: true,
    description:
      '`true`: machines of the LAN see the address of the host. `false` (mode `bridge` only): they see that of the ' +
      'instance, and the router of the LAN needs a route to the bridge through this host.',
    example: false,
  },
  {
    name: 'allow',
    type: { kind: 'list', format: 'allowed' },
    default: [],
    description:
      'Clients that may open the API port over the network, and joined networks (`network.join`) whose ' +
      'containers may. Empty: none. The IB API has no password.',
    example: ['10.0.0.7'],
  },
];

export const PUBLISH: readonly KeySpec[] = [
  {
    name: 'address',
    type: { kind: 'text', format: 'address' },
    default: '127.0.0.1',
    description:
      'Address of the host that ports are published on. Another than loopback needs a ' +
      '`network.allow` that is not empty, and lets in those alone; `0.0.0.0` is every address.',
    example: '127.0.0.1',
  },
  {
    name: 'subnet',
    type: { kind: 'text', format: 'subnet' },
    default: null,
    unset: "the first free one of Podman's pools (`default_subnet_pools` of containers.conf)",
    description:
      'Subnet of the bridge that carries published ports. Set it where the first free one is no good: it ' +
      'belongs to a VPN that is not up yet, say.',
    example: '10.89.0.0/24',
  },
  {
    name: 'accept_risk',
    type: { kind: 'choice', values: ['open-api'] },
    default: null,
    unset: 'nobody may be everybody',
    description:
      'A risk taken knowingly. `open-api`: `network.allow` may hold `0.0.0.0/0`, and whoever ' +
      'reaches a port can trade. The flag `--accept-risk=open-api` of a deploy says the same once.',
    example: 'open-api',
  },
];
