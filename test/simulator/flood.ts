/**
 * What ibcstart.sh and IBC write around the lines that tell something: arguments, the command line of
 * Java, its properties. A reader of the log has to get through it.
 */

import { hostname } from 'node:os';
import { stamp } from './ibc-log.ts';

/** A version of the gateway; it stands in paths alone. */
export const PROGRAM_VERSION = '10.45.1j';

export interface Program {
  product: string;
  /** Directory of the program in the container, `TWS_PATH`. */
  path: string;
  ibcPath: string;
  configIni: string;
  settings: string;
  /** MB; empty: the image's default. */
  heap: string;
  /** Name of the directory of an autorestart file; `null`: a login. */
  restart: string | null;
  /** Of this run of ibcstart.sh. */
  sessionId: string;
}

/** From the first line of ibcstart.sh up to its look for an autorestart file. */
export function* beforeStart(program: Program): Generator<string> {
  const { product, path, ibcPath, configIni, settings } = program;
  const time = stamp();
  yield* ['Parsing arguments', '', '='.repeat(80), ''];
  // The image does not set IBC_VRSN.
  yield* [`Starting IBC version  on ${time.slice(0, 10)} at ${time.slice(11, 19)}`, ''];
  yield* [`Operating system: Linux ${hostname()} 6.12.0 #1 SMP x86_64 GNU/Linux`, ''];
  yield* ['Arguments:', '', `TWS version = ${PROGRAM_VERSION}`];
  yield `Program = ${product === 'tws' ? 'TWS' : 'Gateway'}`;
  yield `Entry point = ${entryPoint(product)}`;
  yield `--tws-path = ${path}`;
  yield `--tws-settings-path = ${settings}`;
  yield `--ibc-path = ${ibcPath}`;
  yield `--ibc-ini = ${configIni}`;
  yield* ['--mode = ', '--java-path = ', '--user =', '--pw ='];
  if (product !== 'tws') yield* ['--fix-user =', '--fix-pw ='];
  yield '';
}

/** What ibcstart.sh finds out of the installation. */
export function* installation(program: Program): Generator<string> {
  yield* ['='.repeat(33), 'Generating the classpath', `Classpath=${classpath(program)}`, ''];
  yield* ['Generating the JAVA VM options', `Java VM Options=${vmOptions(program)}`];
}

export function* javaRuntime(program: Program): Generator<string> {
  yield* ['', 'Determining the location of java executable'];
  yield '    java.runtime.version = 17.0.10.0.101+3';
  yield* [`Location of java executable=${javaHome(program)}/bin`, ''];
  yield "Renaming IB's TWS or Gateway start script to prevent restart without IBC";
  yield '';
}

/** Three kilobytes, before each start of Java. */
export function javaCommand(program: Program): string {
  const restart = program.restart === null ? '' : ` -Drestart=${program.restart}`;
  const start = `"${javaHome(program)}/bin/java" ${MODULES} -cp "${classpath(program)}"`;
  const options = `${vmOptions(program)}${restart} ${entryPoint(program.product)}`;
  return `${start} ${options} "${program.configIni}"  `;
}

/** bash says it of a process that was killed. */
export function killedLine({ ibcPath }: Program): string {
  const command = '"$java_path/java" $moduleAccess -cp "$ibc_classpath" $java_vm_options';
  const rest = '$autorestart_option $entry_point "$ibc_ini" $' + '{mode} 2> /dev/null';
  return `${ibcPath}/scripts/ibcstart.sh: line 536:    66 Killed                  ${command}${rest}`;
}

/** IBC's printProperties. */
export function* systemProperties(program: Program): Generator<string> {
  const home = javaHome(program);
  const rule = '-'.repeat(60);
  yield* ['System Properties', rule];
  for (const [key, value] of PROPERTIES) yield* `${key} = ${value}`.split('\n');
  yield `java.home = ${home}`;
  yield `java.class.path = ${classpath(program)}`;
  yield `java.library.path = /usr/java/packages/lib:/usr/lib64:/lib64:/lib:/usr/lib`;
  yield `sun.boot.library.path = ${home}/lib`;
  yield `sun.java.command = ${entryPoint(program.product)} ${program.configIni}`;
  yield `jtsConfigDir = ${program.settings}`;
  yield `ibcsessionid = ${program.sessionId}`;
  yield `user.dir = ${program.settings}`;
  if (program.restart !== null) yield `restart = ${program.restart}`;
  yield rule;
}

/** Where IBC takes its settings from. */
export function* diagnostics({ configIni }: Program): Generator<string> {
  yield `using default settings provider: ini file is ${configIni}`;
  yield 'using default login manager: will get username and password from settings; FIX username and password (if required) from settings';
  yield 'using default main window manager';
  yield 'using default trading mode manager: constructor parameter args but trading mode not present - will be taken from settings';
  yield 'using default config dialog manager';
}

function entryPoint(product: string): string {
  return product === 'tws' ? 'ibcalpha.ibc.IbcTws' : 'ibcalpha.ibc.IbcGateway';
}

function installed({ product, path }: Program): string {
  return product === 'tws' ? `${path}/${PROGRAM_VERSION}` : `${path}/ibgateway/${PROGRAM_VERSION}`;
}

function javaHome(program: Program): string {
  return `${installed(program)}/jre`;
}

function classpath(program: Program): string {
  const jars = JARS.map((jar) => `${installed(program)}/jars/${jar}.jar`);
  const runtime = `${installed(program)}/.install4j/i4jruntime.jar`;
  return [...jars, runtime, `${program.ibcPath}/IBC.jar`].join(':');
}

function vmOptions({ heap, settings, sessionId }: Program): string {
  const own = `-Xmx${heap || '768'}m -XX:+UseG1GC -XX:MaxGCPauseMillis=200 -XX:ParallelGCThreads=20 -XX:ConcGCThreads=5 -XX:InitiatingHeapOccupancyPercent=70`;
  const update =
    '-Dtwslaunch.autoupdate.serviceImpl=com.ib.tws.twslaunch.install4j.Install4jAutoUpdateService';
  const kind = '-Dchannel=latest -Dexe4j.isInstall4j=true -Dinstall4jType=standalone';
  return `${own} ${update} ${kind} -DjtsConfigDir=${settings} -Dibcsessionid=${sessionId}`;
}

const MODULES = [
  ...['java.util', 'java.util.concurrent'].map((name) => `--add-opens=java.base/${name}`),
  '--add-exports=java.base/sun.util',
  '--add-exports=java.desktop/com.sun.java.swing.plaf.motif',
  ...['java.awt', 'java.awt.dnd', 'javax.swing', 'javax.swing.event'].map(
    (name) => `--add-opens=java.desktop/${name}`,
  ),
  ...['javax.swing.plaf.basic', 'javax.swing.table', 'sun.awt'].map(
    (name) => `--add-opens=java.desktop/${name}`,
  ),
  ...['sun.awt.X11', 'sun.swing'].map((name) => `--add-exports=java.desktop/${name}`),
  '--add-opens=javafx.graphics/com.sun.javafx.application',
  '--add-exports=javafx.media/com.sun.media.jfxmedia',
  '--add-opens=jdk.management/com.sun.management.internal',
]
  .map((option) => `${option}=ALL-UNNAMED`)
  .join(' ');

const JARS = [
  ...['batik-all-1.17', 'commons-io-2.15.1', 'fop-2.9', 'jackson-annotations-2.15.3'],
  ...['jackson-core-2.15.3', 'jackson-databind-2.15.3', 'jts4launch-1045', 'jxbrowser-8.2.1'],
  ...['jxbrowser-linux64-8.2.1', 'jxbrowser-swing-8.2.1', 'locales', 'log4j-api-2.22.1'],
  ...['log4j-core-2.22.1', 'mapping-1045', 'riskfeed-1.0', 'total-2026', 'twslaunch-1045'],
  ...['twslaunch-install4j-1.17', 'xmlgraphics-commons-2.9', 'zstd-jni-1.5.5'],
];

const PROPERTIES: readonly (readonly [string, string])[] = [
  ['java.specification.version', '17'],
  ['sun.arch.data.model', '64'],
  ['java.vendor.url', 'https://www.azul.com/'],
  ['sun.java.launcher', 'SUN_STANDARD'],
  ['user.country', 'US'],
  ['java.vm.specification.vendor', 'Oracle Corporation'],
  ['java.version.date', '2024-01-16'],
  ['file.separator', '/'],
  ['java.vm.compressedOopsMode', '32-bit'],
  ['line.separator', '\n'],
  ['java.vm.specification.name', 'Java Virtual Machine Specification'],
  ['java.specification.vendor', 'Oracle Corporation'],
  ['java.awt.headless', 'false'],
  ['java.vendor', 'Azul Systems, Inc.'],
  ['java.vm.vendor', 'Azul Systems, Inc.'],
  ['java.vm.name', 'OpenJDK 64-Bit Server VM'],
  ['java.vm.version', '17.0.10.0.101+3'],
  ['java.vm.info', 'mixed mode, sharing'],
  ['java.vm.specification.version', '17'],
  ['java.runtime.name', 'OpenJDK Runtime Environment'],
  ['java.runtime.version', '17.0.10.0.101+3'],
  ['java.version', '17.0.10.0.101'],
  ['java.class.version', '61.0'],
  ['java.specification.name', 'Java Platform API Specification'],
  ['java.vendor.version', 'Zulu17.48+15'],
  ['java.io.tmpdir', '/tmp'],
  ['java.vm.compiler', 'HotSpot'],
  ['java.awt.printerjob', 'sun.print.PSPrinterJob'],
  ['java.awt.graphicsenv', 'sun.awt.X11GraphicsEnvironment'],
  ['jdk.debug', 'release'],
  ['native.encoding', 'ANSI_X3.4-1968'],
  ['sun.jnu.encoding', 'ANSI_X3.4-1968'],
  ['sun.io.unicode.encoding', 'UnicodeLittle'],
  ['sun.cpu.endian', 'little'],
  ['sun.management.compiler', 'HotSpot 64-Bit Tiered Compilers'],
  ['file.encoding', 'ANSI_X3.4-1968'],
  ['os.name', 'Linux'],
  ['os.arch', 'amd64'],
  ['os.version', '6.12.0'],
  ['path.separator', ':'],
  ['user.language', 'en'],
  ['user.name', '?'],
  ['user.timezone', 'Etc/UTC'],
  ['channel', 'latest'],
  ['exe4j.isInstall4j', 'true'],
  ['install4jType', 'standalone'],
  ['twslaunch.autoupdate.serviceImpl', 'com.ib.tws.twslaunch.install4j.Install4jAutoUpdateService'],
];
