/** `[custom]` of an instance whose image ibq does not know: which of its variables are what. */

import { CUSTOM_KEYS, CUSTOM_SECRETS } from '../images/custom.ts';
import { type Layer, lookup, placeOf } from './layer.ts';
import type { Report } from './report.ts';
import { closest, show, showKey } from './text.ts';
import type { Instance } from './types.ts';

export function checkCustom(
  { file, mode, settings }: Instance,
  layers: readonly Layer[],
  report: Report,
): void {
  const at = lookup('custom.variables', layers);
  const { variables, vnc_port } = settings.custom;
  const place = (key: string) => {
    const layer = layers.find(({ values }) => {
      const own = (values.get('custom.variables') ?? {}) as Readonly<Record<string, string>>;
      return Object.hasOwn(own, key);
    });
    const { origin = 'instance', file: inFile = file } = layer ?? {};
    const table = placeOf({ id: 'custom.variables', origin, file: inFile });
    return { file: table.file, key: `${table.key}.${showKey(key)}` };
  };
  for (const [key, name] of Object.entries(variables)) {
    const first = Object.keys(variables).find((other) => variables[other] === name);
    const refusal =
      key === 'vnc_password' && vnc_port === null
        ? 'has no effect without custom.vnc_port; leave it out'
        : (keyProblem(key) ?? nameProblem(name, first === key ? null : first));
    if (refusal !== null) report.problem({ ...place(key), message: refusal });
  }
  const warn = (message: string) =>
    report.warn({ ...(at ? placeOf(at) : { file, key: 'custom.variables' }), message });
  if (!Object.hasOwn(variables, 'mode')) {
    warn(`has no "mode": ibq can't tell the image that it is to be ${show(mode)}`);
  }
  if (!Object.hasOwn(variables, 'password')) {
    warn('has no "password": the image has to get it in another way');
  }
  if (settings.vnc.enabled && !Object.hasOwn(variables, 'vnc_password')) {
    warn('has no "vnc_password": ibq can\'t say whether VNC asks for one');
  }
}

function keyProblem(key: string): string | null {
  const known = [...CUSTOM_KEYS, ...CUSTOM_SECRETS];
  if (known.includes(key)) return null;
  const near = closest(key, known);
  return near === null
    ? 'should be a key of an instance or a secret that an image can be given (docs/images/custom.md)'
    : `unknown key; did you mean ${show(near)}?`;
}

/** @param taker the key that has this name already */
function nameProblem(name: string, taker: string | null | undefined): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return `should be the name of a variable (letters, digits and "_"), got ${show(name)}`;
  }
  return taker ? `should be its own, ${name} is that of ${taker} too` : null;
}
