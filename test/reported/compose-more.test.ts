/** What Compose files of real people did to `ibq import compose`: secrets, networks, words, several files. */

import { becomes, beside, FILE, gw, IMPORT, noFault, refused, seen } from './compose.ts';
import { reported } from './rows.ts';

const OPEN =
  'BOT_API_KEY=k-geheim\nDB_PASS=p-geheim\nDATABASE_URL=postgres://u:geheim@db/x\nPIN=1234\nSLACK_WEBHOOK=https://hooks.example/geheim\nPRIVATE_KEY=pk-geheim\n';
reported('secrets, networks and words', [
  becomes(
    'F7',
    'an env_file with the things of the bot',
    { [FILE]: gw('env_file: .env'), '/srv/ib/.env': OPEN },
    { not: ['geheim'], said: ['BOT_API_KEY'] },
  ),
  seen('F7', 'the mode of the file', IMPORT, 'becomes an instance, named by its port'),
  becomes('F8', 'networks: [quant]', gw('networks: [quant]', '', '\nnetworks: {quant: }'), {
    not: ['\n[network]'],
    said: ['quant'],
  }),
  seen('F8', 'an address on a macvlan', IMPORT, 'an address on a macvlan is one of ibq’s own'),
  seen(
    'F8',
    'aliases, internal, external names',
    IMPORT,
    'a bridge of Docker is told with all its names',
  ),
  becomes(
    'F8',
    'a volume that is external',
    gw('volumes: ["data:/d"]', '', '\nvolumes: {data: {external: true, name: prod_data}}'),
    { said: ['prod_data'] },
  ),
  seen(
    'F8',
    'network_mode: service:gluetun',
    IMPORT,
    'another container’s network is network.via, or nothing',
  ),
  refused('F8', 'network_mode: none', gw('network_mode: none'), [
    'a gateway needs a network to log in',
  ]),
  becomes(
    'F8',
    'deploy beside limits',
    gw('deploy: {replicas: 3, resources: {limits: {memory: 2g}}}'),
    { said: ['replicas'] },
  ),
  seen(
    'F8',
    'docker-compose.override.yml',
    IMPORT,
    'an override beside the file is read, as Compose does',
  ),
  seen('F8', 'where the bots find it now', IMPORT, 'programs that found the gateway as'),
  seen(
    'F9',
    'secrets of Compose',
    IMPORT,
    'those of Compose are read from their files, mounted ones too',
  ),
  seen(
    'F9',
    'configs with jts.ini',
    IMPORT,
    'configs with the gateway’s own files are custom_config',
  ),
  becomes(
    'F9',
    'a volume that is carried over',
    gw('volumes: ["data:/d"]', '', '\nvolumes: {data: {}}'),
    { not: ['volumes: has no counterpart'] },
  ),
  becomes('F10', 'a bot that is built', beside('bot: {build: .}'), {
    not: ['no image is no gateway'],
  }),
  becomes(
    'F10',
    'a variable of another service',
    beside('bot: {image: "x/b:1", environment: {K: $ANTHROPIC_API_KEY}}'),
    { not: ['ANTHROPIC_API_KEY'] },
  ),
  seen(
    'F10',
    'two addresses of one port',
    IMPORT,
    'one address and port alone: it is published as',
  ),
  seen('F10', 'screens on every address', IMPORT, 'of screens have a way of their own'),
  seen(
    'F10',
    'publish.address is set',
    IMPORT,
    'where publish.address is that of the file, nothing is told',
  ),
  becomes(
    'F10',
    'SSH_OPTIONS: -p 2222',
    gw('', 'SSH_TUNNEL: "yes", SSH_USER_TUNNEL: u@h, SSH_OPTIONS: "-p 2222"'),
    { files: ['"u@h:2222"'] },
  ),
  becomes(
    'F10',
    'TZ and TIME_ZONE that differ',
    gw('', 'TZ: Europe/Berlin, TIME_ZONE: America/New_York'),
    { files: ['time_zone = "America/New_York"'], said: ['TZ'] },
  ),
  seen('F11', 'nothing published', IMPORT, 'an API that is not published stays so'),
  seen(
    'F11',
    'mode both, one of two published',
    IMPORT,
    'of mode both are told where paper had none',
  ),
  becomes('F11', '4002:4004/udp', gw().replace('4002:4004"', '4002:4004/udp"'), { said: ['udp'] }),
  seen(
    'F12',
    'network_mode: host',
    IMPORT,
    'is the host’s affair: ibq.toml is written where there is none',
  ),
]);

reported('what the file leaves open, and several files', [
  becomes('F13', '[defaults] mode = "live", read_only_api = false', gw(), {
    main: '[defaults]\nmode = "live"\nread_only_api = false\n',
    files: ['mode = "paper"', 'read_only_api = true'],
  }),
  becomes(
    'F13',
    'danklabs without READ_ONLY_API',
    'services: {gw: {image: "danklabs/ib-gateway:1-2025", environment: {IB_USER: me}, ports: ["127.0.0.1:4002:4004"], network_mode: host}}',
    { files: ['read_only_api'] },
  ),
  becomes('F13', 'restart: "no"', gw('restart: "no"'), { files: ['restart = "no"'] }),
  becomes('F13', 'restart: always', gw('restart: always'), { files: ['restart = "always"'] }),
  seen('F13', 'TWS_PASSWORD beside a config.ini', IMPORT, 'a password that nothing reads is told'),
  becomes(
    'F14',
    'extends',
    'services: {base: {image: "ghcr.io/gnzsnz/ib-gateway:stable", environment: {TRADING_MODE: live, READ_ONLY_API: "no"}, ports: ["127.0.0.1:4001:4003"]}, gw: {extends: {service: base}, environment: {TWS_USERID: me}}}',
    {
      args: '--service gw',
      files: [
        '# /etc/ibq/instances/4001.toml',
        'mode = "live"',
        'read_only_api = false',
        'user = "me"',
      ],
    },
  ),
  becomes(
    'F14',
    'include',
    { [FILE]: 'include: [other.yml]\nservices: {}\n', '/srv/ib/other.yml': gw() },
    { files: ['user = "me"'] },
  ),
  seen('F14', '-f a -f b', IMPORT, 'several are laid over one another, and then no override is'),
  seen('F14', 'standard input', IMPORT, 'standard input is one'),
  seen('F15', '--env-file', 'cli.test.ts', 'an option that Node knows too is ibq’s'),
  seen('F16', 'no .env', IMPORT, 'without .env, who has variables is told of it'),
  refused('F16', 'a directory without a Compose file', { '/srv/ib/docker-compose.yml/x': '' }, [
    'should hold a Compose file',
  ]),
  refused('F16', 'two documents', `${gw()}---\na: 1\n`, ['should be one YAML document']),
  refused('F16', 'an open flow of lists', '[[[[', ['should be YAML']),
  refused('F16', 'a list within itself', '&x [*x]', []),
  becomes(
    'F16',
    'one anchor 150 times',
    `x-l: &l {a: "b"}\n${beside(Array.from({ length: 150 }, (_, n) => `s${n}: {image: "x/y:1", labels: *l}`).join(', '))}`,
    { files: ['user = "me"'] },
  ),
  becomes('F16', 'a number of twenty digits', gw('', 'BIG: 12345678901234567890'), {
    files: ['12345678901234567890'],
  }),
  seen('F16', 'very many', IMPORT, "test('100 000 variables'"),
  seen('F16', '~ and $HOME with sudo', IMPORT, 'the home is that of the one who called sudo'),
  noFault(
    'F16',
    'where Docker has PROJECT_ibkr_settings',
    'docs/import-compose.md names the volume of the project and how to copy it',
  ),
]);
