/** The text of one Compose file → plain values. Aliases are shared, not copied; what grows beyond measure is refused. */

import { isScalar, parseAllDocuments, visit, type YAMLMap } from 'yaml';

/** Of an override file: the value of the file below is dropped, or replaced where it would be added to. */
export const RESET = '\0reset';
export const OVERRIDE = '\0override';

/** @throws Error that says what is wrong with the text, without quoting it */
export function parseYaml(text: string): unknown {
  try {
    const documents = parseAllDocuments(text, {
      merge: true,
      intAsBigInt: true,
      // Its own check compares each key with each other one: 100 000 of them would take a minute.
      uniqueKeys: false,
    });
    const [document, ...more] = Array.isArray(documents) ? documents : [];
    if (document === undefined) return null;
    const [error] = document.errors;
    if (error) {
      if (/call stack/.test(error.message)) throw new RangeError();
      throw new Error(`should be YAML: ${inOneLine(error)}`);
    }
    if (more.length > 0) {
      throw new Error(`should be one YAML document, has ${more.length + 1} (parted by "---")`);
    }
    visit(document, {
      Map: (_key, map) => requireUnique(map, text),
      Pair(_key, pair) {
        const tag = (pair.value as { tag?: string } | null)?.tag;
        if (tag === '!reset') pair.value = document.createNode({ [RESET]: true });
        if (tag === '!override') {
          const wrapped = document.createNode({ [OVERRIDE]: null }) as YAMLMap;
          const node = pair.value as { tag?: string };
          delete node.tag;
          wrapped.items = [document.createPair(OVERRIDE, node)];
          pair.value = wrapped;
          return visit.SKIP;
        }
        return undefined;
      },
    });
    return document.toJS({ maxAliasCount: -1 });
  } catch (error) {
    if (error instanceof RangeError) throw new Error('should be YAML that is nested less deep');
    if (error instanceof ReferenceError) throw new Error(`should be YAML: ${inOneLine(error)}`);
    throw error;
  }
}

/** The parser's own words without its excerpt, which may hold a password. */
function inOneLine({ message }: Error): string {
  const [first = ''] = message.split('\n');
  return first.replace(/ at line (\d+), column \d+:$/, ' (line $1)');
}

function requireUnique({ items }: YAMLMap, text: string): void {
  const seen = new Set<unknown>();
  for (const { key } of items) {
    if (!isScalar(key) || key.value === '<<') continue;
    if (seen.has(key.value)) {
      const line = text.slice(0, key.range?.[0] ?? 0).split('\n').length;
      throw new Error(`should be YAML: keys of a table should be unique, line ${line} repeats one`);
    }
    seen.add(key.value);
  }
}
