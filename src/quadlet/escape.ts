/**
 * The one place where text becomes part of a Quadlet file. A value goes through Quadlet's reader of
 * its key, into `ExecStart=`, and through systemd's own reader: `%` starts a specifier and `$` a
 * variable there, whatever the key. Checked against Podman 5.4.2 and 5.8 by `test/host/units.test.ts`.
 */

/**
 * How Quadlet reads the keys that ibq writes (containers/podman pkg/systemd/quadlet/quadlet.go):
 * - `raw`: the whole line as it is (LookupAll);
 * - `words`: split at blanks, quotes and C escapes understood (LookupAllKeyVal, LookupAllArgs);
 * - `scalar`: the whole line, quotes at its ends lost (Lookup; containers/podman#28409).
 */
const kinds = {
  AddCapability: 'words',
  AddDevice: 'words',
  Annotation: 'words',
  Environment: 'words',
  Group: 'scalar',
  Image: 'scalar',
  Label: 'words',
  Network: 'raw',
  Options: 'words',
  AddHost: 'raw',
  DNS: 'raw',
  PublishPort: 'raw',
  GIDMap: 'words',
  ReadOnly: 'scalar',
  SeccompProfile: 'scalar',
  Secret: 'words',
  ShmSize: 'scalar',
  StopTimeout: 'scalar',
  Tmpfs: 'raw',
  UIDMap: 'words',
  User: 'scalar',
  Volume: 'raw',
} as const;

export type QuadletKey = keyof typeof kinds;

/** Linux refuses one argument or variable of more bytes (MAX_ARG_STRLEN less its final NUL). */
const argumentLimit = 131_071;

/**
 * `Key=value` with its line end, the value escaped for what the key is.
 * @throws Error for text that the key can't carry: check values of users before (`textProblem`).
 */
export function quadletLine(key: QuadletKey, value: string): string {
  const problem = textProblem(value) ?? (kinds[key] === 'words' ? null : plainProblem(value));
  if (problem !== null) throw new Error(`${key}=: ${problem}`);
  if (kinds[key] === 'words') return `${key}=${quoteWord(value)}\n`;
  return `${key}=${escapeExpansions(value)}\n`;
}

/** `Exec=` with all words of a command: a line that Quadlet splits (LookupLastArgs). */
export function execLine(words: readonly string[]): string {
  const problem = words.map(textProblem).find((it) => it !== null);
  if (problem) throw new Error(`Exec=: ${problem}`);
  return `Exec=${words.map(quoteWord).join(' ')}\n`;
}

/** The words of a `words` key, quoted only where it changes something: `--interface-name=x` stays readable. */
export function quoteWord(value: string): string {
  const escaped = escapeExpansions(value).replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
    /[\u0000-\u001f\u007f"\\]/g,
    (character) => shortEscapes[character] ?? hexEscape(character),
  );
  return /^[!#-&(-:<-[\]-~]+$/.test(value) ? escaped : `"${escaped}"`;
}

/**
 * Why this text can't reach a container through a unit as it is, or `null`. Everything else does.
 * Worded to follow the key: `should …, got …`.
 */
export function textProblem(value: string): string | null {
  if (value.includes('\0')) return 'should be text without NUL characters';
  // A lone surrogate has no UTF-8 form.
  if (/\p{Surrogate}/u.test(value)) return 'should be valid Unicode, got half a surrogate pair';
  // systemd takes a line with U+FDD0-FDEF, U+FFFE, U+FFFF… for broken UTF-8 and drops it (utf8.c, unichar_is_valid).
  if (/\p{Noncharacter_Code_Point}/u.test(value)) {
    return 'should be text without Unicode noncharacters, which systemd refuses';
  }
  // Quadlet writes U+0080 to ExecStart as `\x80`, which systemd reads as a byte (5.4.2 to 5.8).
  if (value.includes('\u0080')) return 'should be text without U+0080, which Quadlet damages';
  return null;
}

/** Why an environment entry can't be carried, or `null`. */
export function environmentProblem(name: string, value: string): string | null {
  const bytes = Buffer.byteLength(`${name}=${value}`);
  if (bytes > argumentLimit) {
    return `should be at most ${argumentLimit} bytes with its name, got ${bytes} (a limit of Linux)`;
  }
  // Podman makes "\n" of it in `--env` (seen on 5.4.2 and 5.8.6); each of the two alone comes through.
  if (value.includes('\r\n')) return 'should have line ends of LF, got CR LF, which Podman changes';
  return textProblem(value);
}

/**
 * Most bytes that all environment entries of an instance may have on the command line: systemd refuses
 * a unit with a line of 1 MiB ("No buffer space available"), and the rest of the line needs a place.
 */
export const environmentLimit = 2 ** 20 - 2 ** 16;

/** Bytes of an environment entry as Quadlet writes it to ExecStart, at most: 5.8 makes `\x20` of a blank. */
export function environmentBytes(name: string, value: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what grows
  const long = value.match(/[\u0001- \u007f]/g)?.length ?? 0;
  const doubled = value.match(/["'\\%$]/g)?.length ?? 0;
  return `--env "${name}=" `.length + Buffer.byteLength(value) + 3 * long + doubled;
}

/** What the keys without quoting can't express. */
function plainProblem(value: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001f\u007f]/.test(value)) return 'should be one line without control characters';
  if (value !== value.trim() || value === '')
    return 'should not be empty or have blanks at its ends';
  if (/^["']|["'\\]$/.test(value))
    return 'should not begin or end in a quote or end in a backslash';
  return null;
}

function escapeExpansions(value: string): string {
  return value.replaceAll('%', '%%').replaceAll('$', '$$$$');
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '"': '\\"',
  '\\': '\\\\',
};

function hexEscape(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
