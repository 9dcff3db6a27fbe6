/** The gateway stand-in of test/simulator/: the contract of the real image, without IB behind it. */

import { gnzsnz } from './gnzsnz.ts';
import type { Profile } from './profile.ts';

/** `SIMULATOR_*` variables, which tell it how to misbehave, are the user's to set in `environment`. */
export const simulator: Profile = {
  ...gnzsnz,
  id: 'simulator',
  title: 'simulated gateway',
  defaultImage: 'localhost/ibq-simulator:latest',
  notes: {
    source: 'docs/simulator.md',
    defects: [
      'Nothing is behind it: no market data, no orders, accounts that do not exist.',
      'It has the contract of `gnzsnz`. An image that imitates another is used with the profile of that one.',
    ],
    unverified: [],
  },
};
