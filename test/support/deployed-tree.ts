/** A tree with two instances deployed: 4001 live, 4002 paper; bridge mode. */

import { deploy } from '../../src/commands/deploy.ts';
import { fakeUi } from './fake-ui.ts';
import { type Sandbox, sandbox } from './sandbox.ts';

export async function deployedTree(files: Readonly<Record<string, string>> = {}): Promise<Sandbox> {
  const sand = sandbox({
    '/etc/ibq/ibq.toml': '[image]\nprofile = "simulator"\n[network]\nmode = "bridge"\n',
    '/etc/ibq/instances/4001.toml': 'mode = "live"\nuser = "u"\nread_only_api = true\n',
    '/etc/ibq/instances/4002.toml': 'mode = "paper"\nuser = "u"\nread_only_api = true\n',
    ...files,
  });
  await deploy(
    { ...sand.context, ui: fakeUi().ui },
    {
      dryRun: false,
      yes: false,
      start: true,
      wait: true,
      timeoutSeconds: 1,
      restartChanged: false,
      retryLogin: false,
      replaceDrift: false,
      risksAccepted: [],
    },
  );
  return sand;
}
