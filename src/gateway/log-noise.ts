/** What of a gateway's log tells nobody anything: left out where people read it, and where ibq does. */

/**
 * The relay's two lines for each client that comes while no gateway is behind it (socat 1.8):
 * `2026/11/28 00:51:37 socat[209] W connect(5, AF=2 127.0.0.1:4001, 16): Connection refused`.
 */
const RELAY = /socat\[\d+\] [WE] .*Connection refused/;

/** The same for journalctl's --grep (PCRE2): a message with words, and none of the relay's. */
export const NOISE_PATTERN = '^(?!.*socat\\[\\d+\\] [WE] .*Connection refused).*\\S';

/** Podman's events: `2026-11-21 09:41:06.7 +0000 UTC m=+0.02 image pull …`. */
const PODMAN_EVENT = /^\S+ \S+ \+\d{4} \w+ m=\+/;

export function isNoise(text: string): boolean {
  return text.trim() === '' || RELAY.test(text) || PODMAN_EVENT.test(text);
}

/** IBC writes the command that it starts Java with: three thousand characters that are always the same. */
const LONGEST = 400;
const JAVA = /("?\S*\/java"?) .*(?:-cp|--add-opens).*$/;

/** One line as people read it. */
export function shorten(text: string): string {
  return text.length <= LONGEST ? text : text.replace(JAVA, '$1 … (ibq logs --all has all of it)');
}
