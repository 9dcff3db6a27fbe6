/** What each form of text takes, refuses and suggests. */

import { expect, test } from 'vitest';
import { type FormatName, misfit } from '../../src/config/formats.ts';

test.each<[FormatName, string[]]>([
  ['interface', ['eth1', 'br-lan', 'eth0.100', 'enp3s0f0np0', 'veth@if3', 'a'.repeat(15)]],
  ['address', ['10.0.0.1', '255.255.255.255']],
  ['subnet', ['10.0.0.0/24', '0.0.0.0/0', '10.0.0.7/32']],
  ['allowed', ['10.0.0.7', '10.0.0.0/8', 'trader.network', 'systemd-trader']],
  [
    'image',
    [
      'ghcr.io/gnzsnz/ib-gateway:stable',
      'ghcr.io/gnzsnz/ib-gateway:10.45.1j',
      'localhost/ibq-simulator:latest',
      'localhost:5000/a/b',
      'registry.example.org:5000/team/ib_gateway',
      `docker.io/gnzsnz/ib-gateway@sha256:${'a'.repeat(64)}`,
      `docker.io/gnzsnz/ib-gateway:stable@sha256:${'0'.repeat(64)}`,
    ],
  ],
  ['user', ['abc123', 'first.last@example.org', 'A_b-1']],
  ['device', ['IB Key', 'Mobile Authenticator App', 'Security Code Card (2)']],
  [
    'timeZone',
    ['Etc/UTC', 'UTC', 'America/New_York', 'US/Eastern', 'America/Port-au-Prince', 'Etc/GMT+5'],
  ],
  ['time12', ['12:00 AM', '11:59 PM', '01:05 PM']],
  ['time24', ['00:00', '23:59', '07:05']],
  [
    'saveTimes',
    [
      ...['08:00', '08:00 12:30 17:30', 'Every 30', 'Every 30 mins', 'Every 1439 mins'],
      ...['Every 23 hours', 'Every 90 08:00 17:43', 'Every 1 hours 08:00 00:00'],
    ],
  ],
  ['screen', ['1600x1200x16', '800x600x24']],
  ['display', [':0', ':12']],
  ['javaOptions', ['-XX:+UseG1GC', '-Dprism.order=sw -XX:+ExitOnOutOfMemoryError']],
])('%s takes', (format, texts) => {
  for (const text of texts) expect([text, misfit(format, text)]).toEqual([text, null]);
});

test.each<[FormatName, [string, string | null][]]>([
  [
    'interface',
    [
      ['lo', null],
      ['', null],
      ['a'.repeat(16), null],
      ['../eth0', null],
      ['eth0 ', null],
      ['eth0\n', null],
      ['-eth0', null],
      ['e%i', null],
    ],
  ],
  [
    'address',
    [
      ['10.0.0', null],
      ['10.0.0.256', null],
      ['010.0.0.1', null],
      ['::1', null],
      ['10.0.0.1\n', null],
    ],
  ],
  [
    'subnet',
    [
      ['10.0.0.5/24', '10.0.0.0/24'],
      ['10.0.0.0', null],
      ['10.0.0.0/33', null],
      ['10.0.0.0/024', null],
    ],
  ],
  [
    'allowed',
    [
      ['10.0.0.5/24', '10.0.0.0/24'],
      ['every body', null],
      ['fe80::1', null],
      ['10.0.0.300', null],
    ],
  ],
  [
    'image',
    [
      ['gnzsnz/ib-gateway:stable', 'docker.io/gnzsnz/ib-gateway:stable'],
      ['ghcr.io/', null],
      ['ghcr.io/a b', null],
      ['ghcr.io/a\nb', null],
      ['ghcr.io/../etc', null],
      ['ghcr.io/a:$TAG', null],
      ['ghcr.io/a:%i', null],
      ['docker-archive:/tmp/x', null],
      ['ghcr.io/a@sha256:abc', null],
    ],
  ],
  [
    'user',
    [
      ['', null],
      ['a b', null],
      ['a"b', null],
      ['a\\b', null],
      ['a\nb', null],
      ['$USER', null],
      ['%u', null],
      ['a;b', null],
      ['ä', null],
      ['a'.repeat(65), null],
    ],
  ],
  [
    'device',
    [
      ['a\nIbPassword=x', null],
      ['a\\', null],
      ['', null],
      ['$(x)', null],
    ],
  ],
  [
    'timeZone',
    [
      ['america/new_york', 'America/New_York'],
      ['America/New York', 'America/New_York'],
      ['us/eastern', null],
      ['EST5EDT4', null],
      ['+01:00', null],
      ['../../etc/passwd', null],
      [':UTC', null],
      ['', null],
    ],
  ],
  [
    'time12',
    [
      ['23:55 PM', '11:55 PM'],
      ['23:55', '11:55 PM'],
      ['9:05 am', '09:05 AM'],
      ['0:15 AM', '12:15 AM'],
      ['12:30 pm ', '12:30 PM'],
      ['11:55PM', '11:55 PM'],
      ['25:00', null],
      ['noon', null],
      ['11:60 PM', null],
    ],
  ],
  [
    'time24',
    [
      ['7:05', '07:05'],
      ['7:05 PM', '19:05'],
      ['12:00 AM', '00:00'],
      ['24:00', null],
      ['', null],
    ],
  ],
  [
    'saveTimes',
    [
      ['sometimes', null],
      ['8:00', null],
      ['Every 0 mins', null],
      ['Every 1440', null],
      ['Every 24 hours', null],
      ['Every 30 minutes', null],
    ],
  ],
  [
    'screen',
    [
      ['1600x1200', null],
      ['wide', null],
      ['1600x1200x15', null],
    ],
  ],
  ['display', [['7', null]]],
  [
    'javaOptions',
    [
      ['-Xmx2g', null],
      ['XX', null],
      ['-Da=$(id)', null],
    ],
  ],
])('%s refuses', (format, rows) => {
  for (const [text, suggestion] of rows) {
    expect([text, misfit(format, text)?.suggestion]).toEqual([text, suggestion]);
  }
});

test('a suggestion has the form itself', () => {
  for (const [format, text] of [
    ['time12', '23:55 PM'],
    ['time24', '7:05 PM'],
    ['subnet', '10.0.0.5/24'],
  ] as const) {
    expect(misfit(format, misfit(format, text)?.suggestion ?? '')).toBeNull();
  }
});
