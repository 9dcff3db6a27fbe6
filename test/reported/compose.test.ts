/** What Compose files of real people did to `ibq import compose`: variables, images, values, other services. */

import { becomes, beside, ENV, FILE, gw, IMPORT, refused, seen } from './compose.ts';
import { reported } from './rows.ts';

reported('.env as Compose reads it', [
  seen('F1', 'PW=Sun#Set-2024', ENV, 'X=Sun#Set-2024'),
  seen('F1', 'VNC=abcd#efghij', ENV, 'X=abcd#efghij'),
  becomes(
    'F1',
    'a VNC password of eleven characters',
    { [FILE]: gw('', 'VNC_SERVER_PASSWORD: "$VNC"'), '/srv/ib/.env': 'VNC=abcd#efghij\n' },
    {
      said: ['1 to 8'],
      not: ['abcd#efghij'],
    },
  ),
  seen('F1', 'VNC="a\\"b"', ENV, 'X="a\\\\"b"'),
  seen('F1', '"a\\\\tb"', ENV, 'X="a\\\\\\\\tb"'),
  seen(
    'F1',
    'X=pa$word, and that word has no value',
    ENV,
    'that is made of a variable without one is told',
  ),
]);

reported('an image is known by its name', [
  refused(
    'F2',
    'build without image',
    'services: {gw: {build: ./my-gateway, environment: {TWS_USERID: me}, ports: ["127.0.0.1:4002:4004"]}}',
    ['builds its own image', '--service gw --profile gnzsnz'],
  ),
  becomes('F2', 'build and a public image', gw('build: .'), {
    files: ['ghcr.io/gnzsnz/ib-gateway:stable'],
    said: ['build: ibq builds no images'],
  }),
  refused(
    'F3 a',
    'IB_ACCOUNT, IB_PASSWORD and a build',
    'services: {gw: {build: ., environment: {IB_ACCOUNT: me, IB_PASSWORD: pw}, ports: ["4002:4002"]}}',
    ['--profile'],
  ),
  refused(
    'F3 a',
    'rylorin/ib-gateway-docker',
    'services: {gw: {image: "rylorin/ib-gateway-docker:0.6", environment: {IB_PASSWORD: p}}}',
    ['--profile custom'],
  ),
  refused(
    'F3 a',
    'heshiming/ibga',
    'services: {gw: {image: heshiming/ibga, environment: {IB_PASSWORD: p, IB_LOGINTYPE: Live Trading}}}',
    ['--profile custom'],
  ),
  refused(
    'F3 b',
    'unusualalpha',
    'services: {gw: {image: "ghcr.io/unusualalpha/ib-gateway:latest", environment: {TWS_USERID: me, TRADING_MODE: live}, ports: ["4001:4001"]}}',
    ['--profile custom'],
  ),
  refused(
    'F3 b',
    'waytrade',
    'services: {gw: {image: "waytrade/ib-gateway:1012.2i", environment: {TWS_USERID: me}}}',
    ['--profile custom'],
  ),
  refused(
    'F3 c',
    'gnzsnz/tws-webtop',
    'services: {gw: {image: "ghcr.io/gnzsnz/tws-webtop:stable", environment: {TWS_USERID: me, PASSWD: x}}}',
    ['tws-webtop'],
  ),
  seen(
    'F3 d',
    'a bot that is given the user name',
    IMPORT,
    'a bot that has the user’s name is no gateway',
  ),
  refused(
    'F4',
    'extrange/ibkr',
    'services: {gw: {image: "ghcr.io/extrange/ibkr:stable", environment: {USERNAME: me}}}',
    ['--service gw --profile custom', 'docs/images/custom.md'],
  ),
  seen('F4', '--profile custom', IMPORT, 'extrange/ibkr'),
  seen('F4', '--service gw', IMPORT, '--service of what ibq does not know says the way on'),
  refused(
    'F4',
    '--profile without --service makes nothing of a database',
    'services: { a: { image: "x/a" }, db: { image: "postgres:7" } }',
    ['--service'],
    '--profile gnzsnz',
  ),
]);

reported('one value that can’t be had is listed, and the rest imported', [
  becomes(
    'F5',
    'TWS_USERID_PAPER in mode paper',
    gw('', 'TRADING_MODE: paper, TWS_USERID_PAPER: x'),
    { files: ['user = "me"'], said: ['TWS_USERID_PAPER'] },
  ),
  becomes('F5', 'JAVA_OPTS', gw('', 'JAVA_OPTS: "-Dx=y"'), { said: ['JAVA_OPTS'] }),
  becomes('F5', 'read_only', gw('read_only: true'), { said: ['read_only'] }),
  becomes('F5', 'SSH_TUNNEL without a target', gw('', 'SSH_TUNNEL: "yes"'), {
    said: ['SSH_TUNNEL'],
  }),
  becomes('F5', 'my.prop', gw('', '"my.prop": x'), { said: ['my.prop'] }),
  becomes('F5', 'a volume with a blank', gw('volumes: ["./a b:/data"]'), { said: ['a b:/data'] }),
  becomes('F5', 'a bad host name', gw('extra_hosts: ["bad host:1.2.3.4"]'), { said: ['bad host'] }),
  becomes(
    'F5',
    'a network with a dot',
    gw('networks: ["back.end"]', '', '\nnetworks: {"back.end": {}}'),
    { said: ['back.end'], not: ['\n[network]'] },
  ),
  seen(
    'F5',
    'IB_USER_FILE of danklabs-host',
    IMPORT,
    'a file of the user’s name makes it a secret',
  ),
  seen(
    'F5',
    'danklabs/ib-gateway in network_mode host',
    IMPORT,
    'today’s image of DankLab, as its documents have it, has the image’s own port',
  ),
  seen('F5', 'danklabs/ib-gateway on a bridge', IMPORT, 'today’s image of DankLab on a bridge'),
  becomes(
    'F5',
    'published: "5900-5910"',
    gw('', 'VNC_SERVER_PASSWORD: abc').replace(
      '"127.0.0.1:4002:4004"',
      '"127.0.0.1:4002:4004", {target: 5900, published: "5900-5910"}',
    ),
    { files: ['port = 5900'] },
  ),
  seen(
    'F5',
    'mode both beside a config.ini',
    IMPORT,
    'mode both beside a config.ini of one’s own is refused by the name of the volume',
  ),
  refused(
    'F5',
    'a tag without a value',
    `services: {gw: {image: "ghcr.io/gnzsnz/ib-gateway:\${TAG}", environment: {TWS_USERID: me}}}`,
    ['should have a tag behind its ":"'],
  ),
  seen('F5', 'the settings of TWS by ./config:/config', IMPORT, 'the settings of TWS are settings'),
  seen(
    'F5',
    './secrets:/run/secrets',
    IMPORT,
    'those of Compose are read from their files, mounted ones too',
  ),
]);

reported('other services never stop a gateway', [
  becomes(
    'F6',
    'a variable that a database demands',
    beside(`db: {image: "postgres:16", environment: {P: "\${DB_PASSWORD:?set it}"}}`),
    {},
  ),
  becomes(
    'F6',
    'an env_file of a bot that is absent',
    beside('bot: {image: "x/bot:1", env_file: bot.env}'),
    {},
  ),
  becomes(
    'F6',
    'ports of another with an unset variable',
    beside('web: {image: "x/w:1", ports: [$WEB_PORT:80]}'),
    {},
  ),
  becomes(
    'F6',
    'ports of another by IPv6',
    beside('web: {image: "x/w:1", ports: ["::1:8080:80"]}'),
    {},
  ),
  becomes(
    'F6',
    'environment of another that is no text',
    beside('web: {image: "x/w:1", environment: [{A: {B: 1}}]}'),
    {},
  ),
  becomes(
    'F6',
    'env_file that is not required',
    gw('env_file: [{path: local.env, required: false}]'),
    {},
  ),
  becomes('F6', '127.0.0.1::4004', gw().replace('127.0.0.1:4002:4004', '127.0.0.1::4004'), {}),
  seen('F6', 'a helper of the same image', IMPORT, 'a helper of the same image is no gateway'),
  seen('F6', 'two paper gateways without ports', IMPORT, 'of two that publish none don’t clash'),
  seen('F6', 'ports that clash', IMPORT, 'that clash are given out anew, and told'),
  seen('F6', 'importing twice', IMPORT, 'a second import says what is there already'),
]);
