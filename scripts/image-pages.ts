/** Profiles → a page for each image, and the table of docs/images.md. Pure. */

import { parseInstanceName, resolveInstance } from '../src/config/instances.ts';
import { makeLayer, readLayers } from '../src/config/layer.ts';
import { createReport } from '../src/config/report.ts';
import type { Instance } from '../src/config/types.ts';
import { CUSTOM_KEYS, CUSTOM_SECRETS } from '../src/images/custom.ts';
import { followedKeys, IMAGE_KEYS, PROFILE_IDS, profileOf } from '../src/images/index.ts';
import type { ImageVariable, Profile, ProfileId, ProfileSecret } from '../src/images/profile.ts';

/** @returns path → text */
export function imagePages(): Map<string, string> {
  return new Map(PROFILE_IDS.map((id) => [`docs/images/${id}.md`, imagePage(profileOf(id))]));
}

/** @param page docs/images.md as it is: what stands between its markers is replaced */
export function fillImageTable(page: string): string {
  const rows = PROFILE_IDS.map(profileOf).map((profile) => [
    `[\`${profile.id}\`](images/${profile.id}.md)`,
    profile.title,
    profile.defaultImage === null ? 'none: `image.reference` names it' : code(profile.defaultImage),
    list(profile.modes),
    list(profile.networks),
  ]);
  const text = table(['profile', 'what', 'image', '`mode`', '`network.mode`'], rows);
  return page.replace(
    /(<!-- profiles -->\n).*?(<!-- end of profiles -->)/s,
    (_all, start: string, end: string) => `${start}${text}${end}`,
  );
}

function imagePage(profile: Profile): string {
  const { id, title, notes } = profile;
  return [
    `# ${id}: ${title}\n`,
    `<!-- Made from src/images/ by \`node scripts/schemas.mjs\`. -->\n`,
    profile.defaultImage === null
      ? 'It has no image of its own: `image.reference` names it.'
      : `Image: ${code(profile.defaultImage)}, where \`image.reference\` names no other.`,
    `Facts from: ${notes.source}.\n`,
    traits(profile),
    '## Keys and variables\n',
    ...(id === 'custom' ? customKeys() : [variableTable(profile)]),
    ...withoutEffect(profile),
    ...secretTable(profile),
    '## Ports\n',
    portTable(profile),
    ...fileTable(profile),
    '## What to know\n',
    bullets(notes.defects),
    ...(notes.unverified.length === 0
      ? []
      : ['## Unverified\n', 'Not seen on the real image:\n', bullets(notes.unverified)]),
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/\n*$/, '\n');
}

function traits(profile: Profile): string {
  const { container } = profile;
  const user = profile.user({ uid: null, gid: null });
  const volume = profile.settingsVolume(sample(profile.id));
  const chosen = profile.user({ uid: 1234, gid: 1234 })?.uid === 1234;
  return table(
    ['', ''],
    [
      ['`mode`', list(profile.modes)],
      ['`network.mode`', list(profile.networks)],
      [
        'runs as',
        user === null
          ? `a user whose number ${chosen ? '`uid` may say' : 'only the image knows'}: secret files are readable to all of the container`
          : `${user.uid}:${user.gid}${chosen ? ', or `uid` and `gid`' : ''}`,
      ],
      [
        'settings volume',
        volume === null ? '`custom.settings_path`' : `\`ibq-NAME-settings\` at ${code(volume)}`,
      ],
      ['shared memory', container.shm === null ? "Podman's 64 MB" : `${container.shm} MB`],
      ['capabilities', container.capabilities.length === 0 ? 'none' : list(container.capabilities)],
      ['seccomp', container.seccompUnconfined ? 'no filter' : "Podman's filter"],
    ],
  );
}

function variableTable(profile: Profile): string {
  const instance = sample(profile.id, '');
  const reach = { mode: profile.networks[0] ?? 'bridge', beyondLoopback: false };
  const written = ({ value, keys }: ImageVariable): string => {
    const text = value(instance, reach);
    if (text === null) return 'nothing';
    if (keys.includes('port')) return 'the name of the instance';
    if (text === ':4001') return '`:` and the port';
    return text === '' ? 'empty' : code(text);
  };
  const rows = [
    ...profile.variables.map((row) => [
      row.keys.length === 0 ? 'ibq itself' : list(row.keys),
      code(row.name),
      written(row),
      row.unset,
      row.remark ?? '',
    ]),
    ...refusedRows(profile),
  ];
  const head = [
    'key',
    'variable',
    'key left out: ibq writes',
    'variable left out: the image does',
    'remark',
  ];
  return table(head, rows);
}

/** Those that are refused for one reason share a row. */
function refusedRows({ refused }: Profile): string[][] {
  const together = new Map<string, { key: string | null; names: string[]; reason: string }>();
  for (const { name, key, reason } of refused) {
    const others = together.get(`${key} ${reason}`)?.names ?? [];
    together.set(`${key} ${reason}`, { key, names: [...others, name], reason });
  }
  return [...together.values()].map(({ key, names, reason }) => [
    key === null ? '' : code(key),
    list(names),
    'nothing',
    '',
    `refused in \`environment\`: ${reason}`,
  ]);
}

/** Files of instances; test/images/custom.test.ts loads them. */
const CUSTOM_EXAMPLES: readonly { title: string; text: string }[] = [
  {
    title: 'extrange/ibkr: one port for both modes, IBC by its own names',
    text: `mode = "live"
user = "myuser01"
port = 4001
read_only_api = false
# TOTP, and what else the image takes that is a secret: "sudo ibq secret set 4001 totp".
secrets = { TOTP = "totp" }
environment = { GATEWAY_OR_TWS = "gateway", TWS_SETTINGS_PATH = "/settings" }

[image]
profile = "custom"
reference = "ghcr.io/extrange/ibkr:stable"

[custom]
live_port = 8888
paper_port = 8888
settings_path = "/settings"

[custom.variables]
mode = "IBC_TradingMode"
user = "USERNAME"
password = "PASSWORD"
read_only_api = "IBC_ReadOnlyApi"
`,
  },
  {
    title:
      'UnusualAlpha/ib-gateway: the names of gnzsnz, without files for secrets and on other ports',
    text: `mode = "paper"
user = "myuser01"
port = 4002
read_only_api = true

[image]
profile = "custom"
reference = "ghcr.io/unusualalpha/ib-gateway:stable"

[vnc]
enabled = true

[custom]
live_port = 4001
paper_port = 4002
vnc_port = 5900

[custom.variables]
mode = "TRADING_MODE"
user = "TWS_USERID"
password = "TWS_PASSWORD"
vnc_password = "VNC_SERVER_PASSWORD"
read_only_api = "READ_ONLY_API"
`,
  },
  {
    title:
      'A build of your own: as its own user, read-only, with a command and a directory in memory',
    text: `mode = "paper"
user = "myuser01"
port = 4012
read_only = true
restart = "always"

[image]
profile = "custom"
# sudo podman build -t localhost/my-gateway:1 DIRECTORY
reference = "localhost/my-gateway:1"

[custom]
live_port = 4003
paper_port = 4004
settings_path = "/home/ibgateway/tws_settings"
password_as = "file"
user = "1000:1000"
command = ["/opt/run.sh", "--quiet"]
tmpfs = ["/run/x11:size=16m"]

[custom.variables]
mode = "TRADING_MODE"
user = "TWS_USERID"
password = "TWS_PASSWORD_FILE"
time_zone = "TIME_ZONE"
`,
  },
];

function customKeys(): string[] {
  return [
    'An image of this profile is given the variables that `custom.variables` names, and `environment`. A key without a',
    'name there is refused. Booleans become `yes` and `no`, lists have commas.\n',
    '```toml\n[custom.variables]\nmode = "TRADING_MODE"\nuser = "IB_USER"\npassword = "IB_PASSWORD"\n```\n',
    `Keys: ${list(CUSTOM_KEYS)}.\n`,
    `Secrets: ${list(CUSTOM_SECRETS)}; with \`user_secret\` also \`user\` and \`paper_user\`. Any other variable that is a secret`,
    'stands in `secrets`, with a KEY of your choice; one that ends in `_FILE` is given the path of a file.\n',
    '`ibq import compose FILE --service S --profile custom` drafts such a file from the service of a Compose file.\n',
    '## Three of them whole\n',
    'None of these was seen with a login to IBKR here: they follow what the documents of the images say.\n',
    ...CUSTOM_EXAMPLES.flatMap(({ title, text }) => [
      `### ${title}\n`,
      `\`\`\`toml\n${text}\`\`\`\n`,
    ]),
  ];
}

function withoutEffect(profile: Profile): string[] {
  const followed = followedKeys(profile);
  const none = [...IMAGE_KEYS].filter(
    (id) => !followed.has(id) && (profile.id === 'custom' ? !CUSTOM_KEYS.includes(id) : true),
  );
  const why = Object.entries(profile.unfollowed ?? {});
  return [
    "\nRefused in the file of an instance, because this image can't follow: " +
      `${list(none.sort())}.\n`,
    ...(why.length === 0 ? [] : [`${bullets(why.map(([id, text]) => `${code(id)}: ${text}.`))}`]),
  ];
}

/** What an instance may ask for that makes a secret wanted. */
const SITUATIONS: readonly [string, string][] = [
  ['always', ''],
  ['with `vnc.enabled`', '[vnc]\nenabled = true\n'],
  ['with `rdp.enabled`', '[rdp]\nenabled = true\n'],
  ['with `supervisor.enabled`', '[supervisor]\nenabled = true\n'],
  ['with `ssh.via = "image"`', '[ssh]\nmode = "both"\nvia = "image"\ntargets = ["a@b"]\n'],
  ['with `custom_config.ibc`', '[custom_config]\nibc = "/x"\n'],
  ['with `user_secret`', 'user_secret = true\n'],
  ['with `twofa_totp`', 'twofa_totp = true\n'],
  ['in mode `both`', 'mode = "both"\n'],
  ['in mode `both` with `user_secret`', 'mode = "both"\nuser_secret = true\n'],
];

function secretTable(profile: Profile): string[] {
  if (profile.secrets.length === 0) return [];
  const reaches = ({ as }: ProfileSecret): string => {
    if (as.kind === 'mount') return `file ${code(as.path)}`;
    return as.kind === 'file'
      ? `file, named by ${code(as.variable)}`
      : `value of ${code(as.variable)}`;
  };
  const rows = profile.secrets.map((secret) => {
    const when = SITUATIONS.find(
      ([, text]) => secret.wanted(sample(profile.id, text)) === 'required',
    );
    return [code(secret.key), secret.title, reaches(secret), when?.[0] ?? 'never'];
  });
  return [
    '## Secrets\n',
    'Set with `ibq secret set NAME KEY`.\n',
    table(['KEY', 'what', 'how it reaches the image', 'wanted'], rows),
  ];
}

function portTable(profile: Profile): string {
  const instance = sample(profile.id);
  const { api, gateway, vnc, rdp, supervisor } = profile.ports(instance);
  const own = api.live === instance.port;
  const custom = profile.id === 'custom';
  const shown = (half: 'live' | 'paper') =>
    own
      ? '`port`'
      : custom
        ? `\`custom.${half}_port\``
        : `${api[half]}, a relay to ${gateway[half]} on the container's loopback`;
  const inside = (port: number | null, key: string) =>
    port === null ? null : own ? key : String(port);
  const sides: [string, string | null, string][] = [
    ['VNC', custom ? '`custom.vnc_port`' : inside(vnc, '`vnc.port`'), '`vnc.port`'],
    ['RDP', inside(rdp, '`rdp.port`'), '`rdp.port`'],
    ['supervisor', inside(supervisor, '`supervisor.port`'), '`supervisor.port`'],
  ];
  return table(
    ['', 'in the container', 'on the host'],
    [
      ['live API', shown('live'), '`port`'],
      [
        'paper API',
        shown('paper'),
        profile.modes.includes('both') ? '`port`; in mode `both` `paper_port`' : '`port`',
      ],
      ...sides.flatMap(([name, port, outside]) => (port === null ? [] : [[name, port, outside]])),
    ],
  );
}

function fileTable({ files }: Profile): string[] {
  if (files === null) return [];
  const rows = [
    ["the gateway's settings", code(files.jts), files.jtsTemplate && code(files.jtsTemplate)],
    ["IBC's configuration", code(files.ibc), files.ibcTemplate && code(files.ibcTemplate)],
  ];
  return [
    '## Files\n',
    table(
      ['', 'file', 'made from'],
      rows.map((row) => row.map((cell) => cell ?? 'no template')),
    ),
  ];
}

/** An instance named 4001; what is wrong with it does not matter here. */
function sample(profile: ProfileId, text = ''): Instance {
  const name = parseInstanceName('4001');
  if (name === null) throw new Error('4001 is a name');
  const report = createReport();
  const source = {
    path: '4001.toml',
    text: `${text}\n[image]\nprofile = "${profile}"\nreference = "localhost/x"\n`,
  };
  const { own } = readLayers('instance', 'instance', source, report);
  const shared = { defaults: makeLayer('defaults', ''), host: makeLayer('host', '') };
  const instance = resolveInstance(name, own, shared, report);
  if (instance === null)
    throw new Error(
      report
        .problems()
        .map(({ message }) => message)
        .join('\n'),
    );
  return instance;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return `${line(head)}${line(head.map(() => '---'))}${rows.map(line).join('')}`;
}

function bullets(items: readonly string[]): string {
  return items.map((item) => `- ${item}\n`).join('');
}

function list(words: readonly string[]): string {
  return words.map(code).join(', ');
}

function code(text: string): string {
  return `\`${text}\``;
}
