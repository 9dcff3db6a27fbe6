/** What ibq prints with `--json`, held against the schemas of docs/schema/output. */

import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';

const DIRECTORY = new URL('../../docs/schema/output/', import.meta.url);

export const OUTPUTS = [
  'doctor',
  'import-compose',
  'instance-list',
  'instance-show',
  'network-detect',
  'network-show',
  'network-test',
  'plan',
  'probe',
  'secret-list',
  'status',
  'tunnel-show',
  'tunnel-test',
  'vnc',
] as const;
type Output = (typeof OUTPUTS)[number];

const compiled = new Map<Output, ValidateFunction>();

/**
 * @param text what the command printed, or the object itself
 * @returns what does not fit, one line each; empty where all of it does
 */
export function misfits(output: Output, text: unknown): string[] {
  const validate = compiled.get(output) ?? compile(output);
  compiled.set(output, validate);
  if (validate(typeof text === 'string' ? JSON.parse(text) : text)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `${instancePath || '/'} ${message} ${JSON.stringify(params)}`,
  );
}

export function readSchema(output: Output): object {
  return JSON.parse(readFileSync(new URL(`${output}.schema.json`, DIRECTORY), 'utf8'));
}

function compile(output: Output): ValidateFunction {
  const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
  return ajv.compile(readSchema(output));
}
