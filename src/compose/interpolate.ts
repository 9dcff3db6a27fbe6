/**
 * Variables in a Compose file (compose-spec, 12-interpolation.md): `$NAME`, `${NAME}`, `${NAME:-default}`,
 * `${NAME-default}`, `${NAME:+other}`, `${NAME+other}`, `${NAME:?message}`, `${NAME?message}`, `$$`. Defaults may
 * hold variables again.
 */

export type Variables = Readonly<Record<string, string | undefined>>;

/** Value of a variable; undefined: it is not set. */
export type LookUp = (name: string) => string | undefined;

export interface Interpolated {
  text: string;
  /** Names that have no value, and no default either: Compose takes them as empty. */
  missing: string[];
}

/** @throws Error for a variable that the file demands, and for braces that don't close */
export function interpolate(text: string, variables: Variables | LookUp): Interpolated {
  if (!text.includes('$')) return { text, missing: [] };
  const lookUp: LookUp = typeof variables === 'function' ? variables : (name) => variables[name];
  const missing: string[] = [];
  const read = (part: string): string => {
    let out = '';
    let at = 0;
    while (at < part.length) {
      const dollar = part.indexOf('$', at);
      if (dollar < 0) return out + part.slice(at);
      out += part.slice(at, dollar);
      const next = part[dollar + 1];
      if (next === '$') {
        out += '$';
        at = dollar + 2;
      } else if (next === '{') {
        const end = closing(part, dollar + 2);
        out += expand(part.slice(dollar + 2, end));
        at = end + 1;
      } else {
        const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(part.slice(dollar + 1))?.[0] ?? '';
        out += name === '' ? '$' : valueOrMissing(name);
        at = dollar + 1 + name.length;
      }
    }
    return out;
  };
  const valueOrMissing = (name: string): string => {
    const value = lookUp(name);
    if (value === undefined) missing.push(name);
    return value ?? '';
  };
  const expand = (inside: string): string => {
    const [, name = '', operator = '', rest = ''] =
      /^([A-Za-z_][A-Za-z0-9_]*)(:?[-+?])?([\s\S]*)$/.exec(inside) ?? [];
    if (name === '' || (operator === '' && rest !== '')) {
      throw new Error(`\${${inside}} should be a variable such as \${NAME:-default}`);
    }
    const value = lookUp(name);
    const set = value !== undefined && !(operator.startsWith(':') && value === '');
    if (operator === '') return valueOrMissing(name);
    if (operator.endsWith('-')) return set ? (value ?? '') : read(rest);
    if (operator.endsWith('+')) return set ? read(rest) : '';
    if (set) return value ?? '';
    throw new Error(`variable ${name} should be set: ${read(rest) || 'the file demands it'}`);
  };
  const result = read(text);
  return { text: result, missing: [...new Set(missing)] };
}

/** Where the brace that opened before `from` closes. */
function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    if (text.startsWith(`\${`, at)) depth += 1;
    else if (text[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  throw new Error(`"${text.slice(from - 2)}" should end with }`);
}
