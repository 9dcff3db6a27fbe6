/**
 * Forms of text in the configuration. Each says what it should be, as a pattern that an editor can
 * check too, and where it can, what to write instead of something that is nearly right.
 */

import { ipv4ToNumber, makeCidr, parseCidr, parseIpv4 } from '../network/ipv4.ts';

export interface Format {
  /** Continues "should be …". */
  should: string;
  /** Necessary, for editors (JSON schema) and for us. Linear in time: no nested repetition of one class. */
  pattern: string;
  /** What the pattern cannot say; only asked where it matches. */
  holds?: (text: string) => boolean;
  /** What the user probably means; `null` where nothing is near. */
  suggest?: (text: string) => string | null;
}

const IPV4 = '(?:\\d{1,3}\\.){3}\\d{1,3}';

export const FORMATS = {
  /** Linux dev_valid_name() allows more (15 bytes without `/`, `:` or blanks); no real name needs it. */
  interface: {
    should: 'the name of a network interface (1-15 of letters, digits, ".", "_", "@", "-")',
    pattern: '^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$',
    holds: (text) => text !== 'lo',
  },
  address: {
    should: 'an IPv4 address such as 10.0.0.1',
    pattern: `^${IPV4}$`,
    holds: (text) => parseIpv4(text) !== null,
  },
  subnet: {
    should: 'a subnet such as 10.0.0.0/24',
    pattern: `^${IPV4}/\\d{1,2}$`,
    holds: (text) => parseCidr(text) !== null,
    suggest: canonicalSubnet,
  },
  /** Who is allowed: machines, or a joined network by its name. */
  allowed: {
    should: 'an IPv4 address, a subnet such as 10.0.0.0/24, or a network such as trader.network',
    pattern: `^(?:${IPV4}(?:/\\d{1,2})?|[A-Za-z0-9][A-Za-z0-9_-]{0,62}(?:\\.network)?)$`,
    holds: (text) => !/^[\d./]+$/.test(text) || parseCidr(text) !== null,
    suggest: canonicalSubnet,
  },
  hostService: {
    should: 'a port (1-65535) in quotes such as "5432", or "all"',
    pattern: '^(?:[1-9]\\d{0,4}|all)$',
    holds: (text) => text === 'all' || isPort(text),
  },
  image: {
    should: 'an image with its registry, such as ghcr.io/gnzsnz/ib-gateway:stable',
    // OCI distribution grammar. A registry is told from a path by its ".", its ":" or "localhost";
    // a short name would make Podman ask which registry is meant, and a service can't answer.
    pattern:
      '^(?=[^/]*[.:]|localhost/)[a-z0-9][a-z0-9.-]*(?::\\d{1,5})?' +
      '(?:/[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*)+(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$',
    holds: (text) => text.length <= 400 && !text.includes('..'),
    suggest: (text) => (/^[a-z0-9][a-z0-9._/:-]*$/.test(text) ? `docker.io/${text}` : null),
  },
  user: {
    should: 'an IB user name (1-64 of letters, digits, ".", "_", "-", "@")',
    pattern: '^[A-Za-z0-9._@-]{1,64}$',
  },
  account: {
    should: 'a user name (1-64 of letters, digits, ".", "_", "-", "@")',
    pattern: '^[A-Za-z0-9._@-]{1,64}$',
  },
  /** What a controller writes into jts.ini: letters that can't open another section. */
  server: {
    should: 'the name of a server such as cdc1.ibllc.com',
    pattern: '^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$',
  },
  /** It becomes a line of IBC's config.ini: one line, no backslash. */
  device: {
    should: 'the name of a two-factor device as the login dialog lists it',
    pattern: "^[A-Za-z0-9(][A-Za-z0-9 ._@+()'/&-]{0,63}$",
  },
  timeZone: {
    should: 'a time zone such as America/New_York or Etc/UTC',
    // Java and libc compare names case by case; Intl does not.
    pattern: '^[A-Z][A-Za-z0-9_+-]*(?:/[A-Z][A-Za-z0-9_+-]*)*$',
    holds: isTimeZone,
    suggest: (text) => {
      const wanted = text.toLowerCase().replaceAll(' ', '_');
      const zones = Intl.supportedValuesOf('timeZone');
      return zones.find((zone) => zone.toLowerCase() === wanted) ?? null;
    },
  },
  /** IBC reads SimpleDateFormat `hh:mm a`; anything else is only logged, never set. */
  time12: {
    should: 'a time such as "11:55 PM" (hh:mm AM or PM)',
    pattern: '^(?:0[1-9]|1[0-2]):[0-5]\\d (?:AM|PM)$',
    suggest: (text) => {
      const minutes = minutesOf(text);
      if (minutes === null) return null;
      const hour = Math.floor(minutes / 60);
      return `${pad(hour % 12 || 12)}:${pad(minutes % 60)} ${hour < 12 ? 'AM' : 'PM'}`;
    },
  },
  time24: {
    should: 'a time such as "07:05" (hh:mm, 24 hours)',
    pattern: '^(?:[01]\\d|2[0-3]):[0-5]\\d$',
    suggest: (text) => {
      const minutes = minutesOf(text);
      return minutes === null ? null : `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
    },
  },
  /** IBC, SaveTwsSettingsAt (TwsSettingsSaver): times of day, or every 1 to 1439 minutes. */
  saveTimes: {
    should: 'times such as "08:00 12:30" or "Every 30 mins" (less than a day)',
    holds: (text) => {
      const [, count = '1', unit = ''] = /^Every (\d+)( hours)?/.exec(text) ?? [];
      return Number(count) * (unit === '' ? 1 : 60) < 1440;
    },
    pattern:
      '^(?:(?:[01]\\d|2[0-3]):[0-5]\\d(?: (?:[01]\\d|2[0-3]):[0-5]\\d)*|Every [1-9]\\d{0,3}(?: (?:mins|hours))?(?: (?:[01]\\d|2[0-3]):[0-5]\\d){0,2})$',
  },
  /** Words that begin with `-`; the image's shell splits them at blanks. */
  javaOptions: {
    should: 'options of the Java machine that begin with "-", without -Xmx (java_heap)',
    pattern: '^-[A-Za-z0-9:+=./_,-]+(?: -[A-Za-z0-9:+=./_,-]+)*$',
    holds: (text) => !/(?:^| )-Xmx/.test(text),
  },
  /** Podman's volume syntax without `:U` and the like spelled out; anonymous volumes die at each stop. */
  volume: {
    should: 'SOURCE:PATH or SOURCE:PATH:OPTIONS, with a named volume or an absolute path as SOURCE',
    pattern:
      '^(?:/[^\\s:"\\x00-\\x1f]*|[A-Za-z0-9][A-Za-z0-9_.-]{0,254}):/[^\\s:"\\x00-\\x1f]+(?::[A-Za-z0-9,=]+)?$',
  },
  containerUser: {
    should: 'a user in numbers such as "1000" or "1000:1000"',
    pattern: '^\\d{1,5}(?::\\d{1,5})?$',
    holds: (text) => text.split(':').every((part) => Number(part) <= 65_534),
  },
  tmpfs: {
    should: 'a directory such as "/run" or "/run:size=64m"',
    pattern: '^/[^\\s:"\\x00-\\x1f]+(?::[A-Za-z0-9,=]+)?$',
  },
  /** What is all of the memory or a disk is no device of a gateway. */
  devicePath: {
    should: 'a device such as "/dev/dri/renderD128"; neither memory nor a disk',
    pattern:
      '^/dev/[A-Za-z0-9][A-Za-z0-9/_.-]{0,200}(?::/[A-Za-z0-9/_.-]{1,200})?(?::[rwm]{1,3})?$',
    holds: (text) =>
      !text.includes('..') &&
      !/^\/dev\/(?:k?mem|port|kmsg|(?:[sv]d|xvd|nvme|mmcblk|dm-|md|loop|sr|nbd)[a-z0-9]|disk|mapper|block)/.test(
        text,
      ),
  },
  /** Those of Podman that can't undo the guard: it lives in the network namespace that NET_ADMIN commands. */
  capability: {
    should:
      'one of AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, IPC_LOCK, KILL, NET_BIND_SERVICE, SETFCAP, SETGID, SETPCAP, SETUID, SYS_CHROOT, SYS_NICE; another would let the container past its guard',
    pattern:
      '^(?:AUDIT_WRITE|CHOWN|DAC_OVERRIDE|FOWNER|FSETID|IPC_LOCK|KILL|NET_BIND_SERVICE|SETFCAP|SETGID|SETPCAP|SETUID|SYS_CHROOT|SYS_NICE)$',
    suggest: (text) => text.toUpperCase().replace(/^CAP_/, ''),
  },
  path: {
    should: 'an absolute path without blanks at its ends',
    pattern: '^/(?:[^\\x00-\\x1f"]*[^\\x00-\\x20"/])$',
  },
  /** Xvfb -screen. */
  screen: {
    should: 'WIDTHxHEIGHTxDEPTH such as 1600x1200x16 (depth 8, 16 or 24)',
    pattern: '^[1-9]\\d{2,3}x[1-9]\\d{2,3}x(?:8|16|24)$',
  },
  display: { should: 'an X display such as ":0"', pattern: '^:\\d{1,3}$' },
  /** No host name begins with `-`: it would be taken as an option of ssh. */
  sshTarget: {
    should: 'user@host or user@host:port',
    pattern:
      '^[A-Za-z_][A-Za-z0-9._-]{0,31}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(?::\\d{1,5})?$',
    holds: (text) => isPort(text.split('@')[1]?.split(':')[1] ?? '22'),
  },
  bindPort: {
    should: 'a port, or address:port, such as "14001" or "127.0.0.1:14001"',
    pattern: `^(?:${IPV4}:|localhost:|\\*:)?\\d{1,5}$`,
    holds: (text) => {
      const [port = '', address = '127.0.0.1'] = text.split(':').reverse();
      return isPort(port) && (!/^\d/.test(address) || parseIpv4(address) !== null);
    },
  },
  /** ssh_config(5); as one argument of `-o`. */
  sshOption: {
    should: 'an option of ssh as Name=value, such as ConnectTimeout=10',
    pattern: '^[A-Z][A-Za-z0-9]{1,40}=[^\\x00-\\x1f]{1,400}$',
  },
  /** A unit with its ending, or the name of a network in Podman. */
  networkName: {
    should: 'a Quadlet network such as trader.network, or the name of a Podman network',
    pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}(?:\\.network)?$',
    holds: (text) => !/^(?:host|none|container|pasta|slirp4netns|ns|private)$/.test(text),
  },
  containerUnit: {
    should: 'a Quadlet container such as wireguard.container',
    pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}\\.container$',
  },
  line: {
    should: 'one line of text',
    pattern: '^[^\\x00-\\x1f\\x7f]{1,400}$',
  },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;

const compiled = new Map<FormatName, RegExp>();

/** Whether `text` has the form; `null`, or what it should be and what it was probably meant to be. */
export function misfit(
  name: FormatName,
  text: string,
): { should: string; suggestion: string | null } | null {
  if (fits(name, text)) return null;
  const format: Format = FORMATS[name];
  const suggestion = text.length <= 64 ? (format.suggest?.(text) ?? null) : null;
  return {
    should: format.should,
    suggestion: suggestion !== null && fits(name, suggestion) ? suggestion : null,
  };
}

function fits(name: FormatName, text: string): boolean {
  const format: Format = FORMATS[name];
  const pattern = compiled.get(name) ?? new RegExp(format.pattern);
  compiled.set(name, pattern);
  // No format is longer; a huge text is not worth a search.
  return text.length <= 512 && pattern.test(text) && (format.holds?.(text) ?? true);
}

/** `10.0.0.5/24` → `10.0.0.0/24`. */
function canonicalSubnet(text: string): string | null {
  const [addressText = '', prefixText = ''] = text.split('/');
  const address = parseIpv4(addressText);
  if (!address || !/^\d{1,2}$/.test(prefixText) || Number(prefixText) > 32) return null;
  return makeCidr(ipv4ToNumber(address), Number(prefixText));
}

const knownZones = new Map<string, boolean>([
  // The built-in default must not cost the start of Intl (about 10 ms) at every command.
  ['Etc/UTC', true],
]);

function isTimeZone(text: string): boolean {
  let known = knownZones.get(text);
  if (known === undefined) {
    try {
      known = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
    } catch {
      known = false;
    }
    knownZones.set(text, known);
  }
  return known;
}

/** Minutes after midnight of `23:55`, `9:05 am` or the mixed `23:55 PM`; `null` for anything else. */
function minutesOf(text: string): number | null {
  const match = /^(\d{1,2}):(\d{2}) ?(am|pm)?$/i.exec(text.trim());
  if (!match) return null;
  const minute = Number(match[2]);
  let hour = Number(match[1]);
  if (hour > 23 || minute > 59) return null;
  if (hour <= 12 && match[3]) hour = (hour % 12) + (match[3].toLowerCase() === 'pm' ? 12 : 0);
  return hour * 60 + minute;
}

function isPort(text: string): boolean {
  return Number(text) >= 1 && Number(text) <= 65_535;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
