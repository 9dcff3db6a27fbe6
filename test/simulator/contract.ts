/** The imitated images as data: `contracts/NAME.json`, one an image. */

import danklabsGateway from './contracts/danklabs-gateway.json' with { type: 'json' };
import danklabsHost from './contracts/danklabs-host.json' with { type: 'json' };
import danklabsTws from './contracts/danklabs-tws.json' with { type: 'json' };
import gnzsnzGateway from './contracts/gnzsnz-gateway.json' with { type: 'json' };
import gnzsnzTws from './contracts/gnzsnz-tws.json' with { type: 'json' };
import ibcBehaviours from './contracts/ibc-behaviours.json' with { type: 'json' };
import ibgController from './contracts/ibg-controller.json' with { type: 'json' };

export type Mode = 'live' | 'paper';
/** An environment as a process sees it; what is absent is unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Contract {
  name: string;
  title: string;
  source: { ibc: { version: string } };
  /** `gateway` or `tws`: what IBC starts. */
  product: string;
  /** Which scripts start the container: a key of `BOOTS`. */
  boot: string;
  /** Who process 1 is; `declared` is the image's USER. */
  user: { declared: string; name: string; uid: number; gid: number };
  container: {
    workingDirectory: string;
    environment: Readonly<Record<string, string>>;
    /** The container ends with IBC, and with its status. */
    endsWithIbc: boolean;
    stop: { status: number };
    needs: {
      /** Has to be process 1: no init before it. */
      firstProcess: boolean;
      root: boolean;
      /** Without `CAP_`; none where it does not start as root. */
      capabilities: readonly string[];
    };
  };
  /** In the container. */
  paths: {
    home: string;
    ibc: string;
    configIni: string;
    /** What `configIni` is rendered from; it may be the same file. */
    configTemplate: string;
    /** Where the gateway's program is. */
    program: string;
    /** `null`: the image has a jts.ini, and renders none. */
    jtsTemplate: string | null;
    /** Settings where nothing says otherwise. */
    settings: string;
    /** Where a volume keeps the settings and hides nothing. */
    volume: string;
    scripts: string;
  };
  modes: readonly string[];
  ports: Readonly<Record<Mode, { api: number; relay: number | null }>>;
  screen: { kind: string; port: number };
  supervisorPage: object | null;
  /** By the supervisor: seconds a program has to stay up, tries after the first that is too short. */
  supervisor?: Readonly<Record<string, { startSeconds: number; retries: number }>>;
  secondsBetweenLiveAndPaper: number | null;
  relayRestartSeconds: number | null;
  /** The least environment with which somebody is logged in. */
  minimal: Readonly<Record<string, string>>;
  /** Documented for this image or its siblings, and without effect here. */
  notRead: readonly string[];
  variables: Readonly<Record<string, Variable>>;
  /** What its scripts do beyond their variables; what IBC does is in `ibc-behaviours.json`. */
  behaviours?: readonly Course[];
  configIni: Readonly<Record<string, string>>;
  jtsIni: Readonly<Record<string, object>>;
}

interface Variable {
  meaning: string;
  /** What the image does without it. */
  unset: string;
  /** Regular expression of the values that the image takes as they are meant; absent: any. */
  accepts?: string;
  cases: readonly Case[];
}

/** What the image does with a value, in the minimal environment. `contracts.test.ts` tries each. */
export interface Case {
  /** `null`: unset. */
  value: string | null;
  /**
   * `up`: logged in; `login window`: waits there; `waits`: another window waits for somebody;
   * `ends`: the container ends with `status`; `no gateway`: it stays up, and no gateway in it.
   */
  result: string;
  status?: number;
  /** More variables; `null` unsets. */
  with?: Readonly<Record<string, string | null | undefined>>;
  /** Files of the container that are there before it starts, by path. */
  files?: Readonly<Record<string, string | undefined>>;
  /** Of these files, the executable ones. */
  executable?: readonly string[];
  behaviour?: string;
  /** Regular expression of a line that is logged; of one that is not. */
  log?: string;
  noLog?: string;
  /** Files and a regular expression of a line in them, afterwards. */
  writes?: Readonly<Record<string, string | undefined>>;
  /** Gateways that have to be up. */
  halves?: number;
  /** The half that `result` is about. */
  half?: string;
  /** What IBC reads as the password. */
  password?: string;
  readOnly?: boolean;
  /** Of `relay`, `vnc`, `rdp`, `supervisor`, `health`, `commands`: what listens, what does not. */
  listens?: readonly string[];
  silent?: readonly string[];
  vncPassword?: string;
  /** `user:password` of the supervisor's page. */
  pageLogin?: string;
  /** The API port that the gateway is told to have. */
  apiPort?: number;
  /** The command line of a tunnel. */
  ssh?: string;
  why?: string;
}

/** A course of events, read in `files` of the contract's source. */
export interface Course {
  name: string;
  files: readonly string[];
  /** Where else it was seen. */
  why?: string;
  behaviour?: string;
  with?: Readonly<Record<string, string | undefined>>;
  /** Regular expressions of lines in this order, others between them; after `do: ` something to do. */
  steps: readonly string[];
  noLog?: string;
  /** How often lines that match are there in the end. */
  counts?: Readonly<Record<string, number | undefined>>;
  /** Exit status of the container; `null`: it goes on. */
  ends: number | null;
}

export const IBC_COURSES: readonly Course[] = ibcBehaviours.behaviours;

export const CONTRACTS: readonly Contract[] = [
  gnzsnzGateway,
  gnzsnzTws,
  danklabsGateway,
  danklabsTws,
  danklabsHost,
  ibgController,
];

/** The contract of `SIMULATOR_CONTRACT`, of the gnzsnz gateway where that is unset. */
export function contractOf(env: Environment): Contract {
  const name = env.SIMULATOR_CONTRACT || gnzsnzGateway.name;
  const contract = CONTRACTS.find((each) => each.name === name);
  if (contract !== undefined) return contract;
  const names = CONTRACTS.map((each) => each.name).join(', ');
  throw new Error(`SIMULATOR_CONTRACT: should be one of ${names}, got ${name}`);
}

/** A program that ended: its last words and its status (0-255). */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly status: number;
  constructor(status: number, message = `exit status ${status}`) {
    super(message);
    this.status = status;
  }
}
