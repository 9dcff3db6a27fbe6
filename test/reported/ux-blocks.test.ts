/** What misled or blocked a new and a daily user. */

import { expect } from 'vitest';
import { type Row, reported, says } from './rows.ts';
import { file, main, mistyped, one, PAPER, toml } from './ux.ts';

reported('what misleads or blocks', [
  {
    id: 'ux B9',
    input: 'secret list where Podman is not installed',
    seen: ['host/refusals.test.ts', 'a part that is missing or too old: 69, and which'],
  },
  {
    id: 'ux B10',
    input: 'interface = "eth9" in ibq.toml',
    right: async () => {
      const { err } = await says(
        'plan',
        main('[network]\ninterface = "eth9"\n'),
        78,
        '/etc/ibq/ibq.toml: network.interface: ',
        'eth9 is gone',
      );
      expect(err).not.toContain('network.toml');
    },
  },
  {
    id: 'ux B10',
    input: 'NETWORK_INTERFACE=eth9 ibq plan',
    right: async () =>
      void (await says(
        'plan',
        { ...main(''), env: { NETWORK_INTERFACE: 'eth9' } },
        78,
        'NETWORK_INTERFACE: should be an interface of this host',
      )),
  },
  {
    id: 'ux B11',
    input: 'mode = "live" at the top of ibq.toml',
    right: async () =>
      void (await says(
        'plan',
        main('mode = "live"\n'),
        78,
        'mode: unknown key; it belongs in [defaults]',
      )),
  },
  {
    id: 'ux B12',
    input: 'a network.toml that is no TOML',
    seen: ['commands/network-detect.test.ts', 'it is no TOML, and is replaced: a copy is kept'],
  },
  {
    id: 'ux B13',
    input: 'import compose FILE --env-file X',
    seen: ['cli.test.ts', 'an option that Node knows too is ibq’s'],
  },
  {
    id: 'ux B14',
    input: 'import compose again',
    seen: ['commands/import-compose.test.ts', 'a second import says what is there already'],
  },
  {
    id: 'ux B15',
    input: '--service db, which is there and no gateway',
    seen: [
      'commands/import-compose.test.ts',
      '--service of what ibq does not know says the way on',
    ],
  },
  {
    id: 'ux B15',
    input: 'YAML with an open list',
    right: async () => {
      const { err } = await says(
        'import compose /srv/c.yml',
        { files: { '/srv/c.yml': 'services: {gw: [\n' } },
        64,
        'nothing was written',
      );
      expect(err).toMatch(/ \(line \d\); nothing was written\n$/);
    },
  },
  {
    id: 'ux B15',
    input: 'an absent file, with --root',
    right: async () =>
      void (await says(
        'import compose /srv/c.yml',
        {},
        64,
        'is not there (below --root ROOT); nothing was written',
      )),
  },
  mistyped(
    'ux B16',
    'instance add 4030 --mode paper --user p --set network.allow=10.0.0.7',
    'set it in [network] of ibq.toml',
  ),
  mistyped(
    'ux B16',
    'instance add 4030 --mode paper --user p --set password=x',
    'secret set 4030 password',
  ),
  ...[`'hosts={ maindb = "10.0.0.2" }'`, 'hosts.maindb=10.0.0.2'].map(
    (set): Row => ({
      id: 'ux B16',
      input: `--set ${set}`,
      right: async () => {
        const { read } = await says(`instance add 4030 --mode paper --user p --set ${set}`, {}, 0);
        expect(read('/etc/ibq/instances/4030.toml')).toContain('hosts = { maindb = "10.0.0.2" }');
      },
    }),
  ),
  mistyped(
    'ux B17',
    'instance add 4009 --mode liev',
    '--mode: should be "live", "paper", "both", got "liev"',
  ),
  mistyped('ux B17', 'instance add 4009 --port 70000', '--port <port>: should be a port (1-65535)'),
  {
    id: 'ux B17',
    input: 'a port that is taken',
    right: async () =>
      void (await says(
        'instance add x --mode paper --user p --port 4001',
        one,
        64,
        '--port: 4001 is already used by',
        '--port 4002 is free',
      )),
  },
  toml('mode = live', 'text needs quotes: write mode = "live"', '  1 | mode = live', '^'),
  toml('mode = "live\n', 'the closing quote is missing: write mode = "live"', '^'),
  toml('auto_restart_time = 11:55 PM', 'text needs quotes: write auto_restart_time = "11:55 PM"'),
  toml('[vnc]\nenabled = true\n[vnc]\n', '[vnc] is already at line 1; put its keys there'),
  toml('volumes = ["/a:/b"\n', 'the closing "]" is missing'),
  toml('mode = "live" user = "u"', 'each KEY = VALUE should have a line of its own'),
  {
    id: 'ux B19',
    input: 'instance show of mode both with VNC',
    right: async () => {
      const text =
        'mode = "both"\nuser = "u"\npaper_user = "v"\nread_only_api = true\n[vnc]\nenabled = true\n';
      await says(
        'instance show 4040',
        { files: { '/etc/ibq/instances/4040.toml': text } },
        0,
        'paper_port\t4041\tby rule',
        'vnc.port\t5940\tby rule',
      );
    },
  },
  {
    id: 'ux B20',
    input: 'thirty instances without read_only_api',
    right: async () => {
      const files = Object.fromEntries(
        Array.from({ length: 30 }, (_, n) => [
          `/etc/ibq/instances/${4101 + n}.toml`,
          `user = "u${n}"\n`,
        ]),
      );
      const { err } = await says(
        'plan',
        { files },
        0,
        '4101, 4102, 4103, 4104 and 26 more: read_only_api: not set',
      );
      expect(err.match(/read_only_api/g)).toHaveLength(1);
    },
  },
  {
    id: 'ux B21',
    input: 'a plan of thirty instances',
    right: async () => {
      const files = Object.fromEntries(
        Array.from({ length: 30 }, (_, n) => [
          `/etc/ibq/instances/${4101 + n}.toml`,
          PAPER.replace('"p"', `"p${n}"`),
        ]),
      );
      const { out } = await says('plan', { files }, 0, '30 are added and not started\n');
      expect(out.split('\n').length).toBeLessThan(60);
      expect(out).not.toMatch(/IBQ_DEFINITION|ibq\.definition/);
      await says('plan --diff', { files }, 0, '+++ units/');
    },
  },
  mistyped('ux B22', 'completion --help', "unknown command 'completion'"),
  mistyped('ux B22', 'help nosuch', "unknown command 'nosuch'"),
  {
    id: 'ux B22',
    input: 'help network detect',
    right: async () => void (await says('help network detect', {}, 0, 'Usage: ibq network detect')),
  },
  mistyped('ux B23', 'instance add', '(see "ibq instance add --help")'),
  {
    id: 'ux B24',
    input: 'hints after --config and --root',
    seen: ['typed-line.test.ts', 'commands in a message keep the scope of the typed one'],
  },
  mistyped('ux B25', 'plan --accept-risk foo', 'should be open-api, got "foo"'),
  {
    id: 'ux B26',
    input: 'allow = ["0.0.0.0/1", "128.0.0.0/1"]',
    right: async () =>
      void (await says(
        'plan',
        main('[network]\nallow = ["0.0.0.0/1", "128.0.0.0/1"]\n'),
        78,
        'more than half of all addresses',
      )),
  },
  {
    id: 'ux B27',
    input: 'time_zone = "EST"',
    right: async () =>
      void (await says(
        'instance list',
        file(`${PAPER}time_zone = "EST"\n`),
        0,
        'has no daylight saving time',
        'America/New_York',
      )),
  },
  {
    id: 'ux B28',
    input: 'instance add with a tunnel',
    right: async () =>
      void (await says(
        'instance add 4001 --mode paper --user q --set ssh.mode=both --set ssh.targets=a@b',
        {},
        0,
        'tunnel key 4001',
        'tunnel trust 4001',
      )),
  },
  {
    id: 'ux B28',
    input: 'instance add --set network.join=trader.network, which is not there',
    right: async () =>
      void (await says(
        'instance add 4001 --mode paper --user q --set network.join=trader.network',
        {},
        0,
        'network.join: trader.network should be a file in /etc/containers/systemd',
      )),
  },
  mistyped('ux B29', 'exec 4001 ls -la', 'put -- before the command: ibq exec NAME -- COMMAND'),
  {
    id: 'ux B30',
    input: 'status -q, wait -q',
    seen: ['ui/terminal.test.ts', '-q silences progress, not warnings'],
  },
  {
    id: 'ux B31',
    input: 'instance remove --purge at a terminal',
    seen: ['commands/instance.test.ts', '--purge asks at a terminal, and a no changes nothing'],
  },
]);
