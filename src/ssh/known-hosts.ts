/** The file of pinned host keys: whole lines, whoever wrote them. */

/** A host key as a connection brought it: the machine's name, and `ssh-ed25519 AAAA…`. */
export interface HostKey {
  name: string;
  key: string;
}

/** @param text a known_hosts file that ssh has written itself: no hashes, no patterns */
export function parseHostKeys(text: string): HostKey[] {
  return text.split('\n').flatMap((line) => {
    const [name, type, key] = line.trim().split(/\s+/);
    return name === undefined || key === undefined ? [] : [{ name, key: `${type} ${key}` }];
  });
}

/**
 * @param text of the file; null: there is none
 * @param replaced names whose old keys go; a line that names others too keeps those
 */
export function withHostKeys(
  text: string | null,
  keys: readonly HostKey[],
  replaced: readonly string[],
): string {
  const head =
    '# Host keys of the machines that SSH tunnels go to: "ibq tunnel trust NAME" adds them.';
  const lines = (text ?? `${head}\n`).split('\n').flatMap((line) => without(line, replaced));
  while (lines.at(-1) === '') lines.pop();
  return [...lines, ...keys.map(({ name, key }) => `${name} ${key}`), ''].join('\n');
}

function without(line: string, names: readonly string[]): string[] {
  const [first = '', ...rest] = line.split(/(?<=^\S+)(?=\s)/);
  if (line.startsWith('#') || line.startsWith('@') || rest.length === 0) return [line];
  const kept = first.split(',').filter((name) => !names.includes(name.toLowerCase()));
  return kept.length === 0 ? [] : [kept.join(',') + rest.join('')];
}
