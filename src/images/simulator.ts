/** The gateway stand-in of test/simulator/: the contract of the real image, without IB behind it. */

import { gnzsnz } from './gnzsnz.ts';
import type { Profile } from './profile.ts';

/** `SIMULATOR_*` variables, which tell it how to misbehave, are the user's to set in `environment`. */
export const simulator: Profile = {
  ...gnzsnz,
  id: 'simulator',
  title: 'simulated gateway',
  defaultImage: 'localhost/ibq-simulator:latest',
};
