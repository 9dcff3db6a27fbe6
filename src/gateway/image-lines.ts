/** What the start scripts of the images around IBC write (gnzsnz; DankLab's have no lines of their own that count). */

import type { Rule } from './log-line.ts';

export const IMAGE_LINES: readonly Rule[] = [
  [/\.> Starting IBC\/IB gateway/, () => ({ kind: 'container-starting' })],
  [
    /\.> Starting IBC in (live|paper) mode/,
    ([, half]) => ({ kind: 'half-starting', half: half === 'live' ? 'live' : 'paper' }),
  ],
  [/Received SIGINT or SIGTERM\. Shutting down/, () => ({ kind: 'stopping' })],
  [/(error: both \w+ and \w+ are set \(but are exclusive\))/, refused(true)],
  [/(Invalid TRADING_MODE: .*)$/, refused(true)],
  [
    /common\.sh: line \d+: (.+: (?:No such file or directory|Permission denied|Is a directory|Read-only file system))/,
    refused(true),
  ],
  [/(mkdir: cannot create directory .*)$/, refused(true)],
  [/(sed: -e expression .*)$/, refused(true)],
  [
    /Error: ((?:2FA timeout action|TWS settings path|IBC configuration file|Offline TWS).*)$/,
    refused(true),
  ],
  [/(Invalid \w+ setting: .*)$/, refused(true)],
  [/(Auto (?:restart|logoff) time setting must be .*)$/, refused(false)],
];

function refused(fatal: boolean): Rule[1] {
  return ([, text = '']) => ({ kind: 'bad-environment', text, fatal });
}
