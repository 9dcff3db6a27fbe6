/** Checks of files: what others put where ibq writes, and the user's own drop-ins. */

import { CURRENT, QUADLET_LINK } from '../plan/paths.ts';
import { type Check, defineCheck, fail, ok, skipped, verdictOf, warn } from './check.ts';
import { judgeDropIn } from './drop-ins.ts';
import type { GenerationFiles } from './facts.ts';

const generation = defineCheck({
  id: 'generation',
  title: 'generation',
  needs: ['generation'],
  judge: ({ generation: { problem } }) => {
    if (problem === null) return ok('can be read');
    // The message ends with what mends it.
    const [, what = problem, mend = 'sudo ibq deploy'] =
      /^(.*?); .*?(sudo [^"(]*[^"( ])/.exec(problem) ?? [];
    return fail(what, mend);
  },
});

const foreign = defineCheck({
  id: 'foreign-files',
  title: "ibq's files",
  needs: ['manifest', 'generationFiles'],
  judge: ({ manifest, generationFiles }) =>
    manifest === null
      ? skipped('nothing is deployed')
      : verdictOf(fileFindings(generationFiles), `generation ${manifest.generation}, as written`),
});

function fileFindings(files: GenerationFiles) {
  const { drift, linked, staticUnits, shadows } = files;
  return [
    ...drift.map((path) =>
      fail(
        `${CURRENT}/${path} was edited or removed`,
        'write your change as a drop-in (docs/units.md), then: sudo ibq deploy --replace-drift',
      ),
    ),
    ...files.foreign.map((path) =>
      fail(`${CURRENT}/${path} is not ibq's`, `move it away: ${CURRENT}/${path}`),
    ),
    ...(linked ? [] : [fail(`${QUADLET_LINK} should lead to ${CURRENT}/units`, 'sudo ibq deploy')]),
    ...staticUnits.map(({ path, state }) =>
      fail(`${path} is ${state}`, `write your change with "systemctl edit", then: sudo ibq deploy`),
    ),
    ...shadows.map((path) =>
      fail(
        `${path} takes the place of a unit that ibq makes`,
        `move ${path} away, then: sudo systemctl daemon-reload`,
      ),
    ),
  ];
}

const dropIns = defineCheck({
  id: 'user-drop-ins',
  title: 'your drop-ins',
  needs: ['manifest', 'dropIns'],
  judge: ({ manifest, dropIns: found }) => {
    const names = Object.keys(manifest?.instances ?? {});
    const findings = found.flatMap((dropIn) => {
      const name = /^ib-gateway@(\w+)\.(?:container|service)$/.exec(dropIn.unit)?.[1];
      const stray = name !== undefined && manifest !== null && !names.includes(name);
      return stray
        ? warn(
            `${dropIn.path} is for ${name}, which is not deployed`,
            `name an instance (${names.join(', ') || 'none is deployed'}) in the directory, or remove ${dropIn.path}`,
          )
        : judgeDropIn(dropIn);
    });
    return verdictOf(findings, found.map(({ path }) => path).join(', ') || 'none');
  },
});

export const fileChecks: readonly Check[] = [generation, foreign, dropIns];
