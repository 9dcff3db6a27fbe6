/** Private keys and known_hosts as text: the form alone, ssh reads the rest. */

const KEY =
  /^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\n[\s\S]+\n-----END (?:[A-Z]+ )?PRIVATE KEY-----\n$/;

/** @returns what it should be, or null for a private key of OpenSSH's or PEM form */
export function keyProblem(value: string): string | null {
  if (KEY.test(wholeLines(value))) return null;
  if (/^(?:ssh-|ecdsa-|sk-)\S+ AAAA/.test(value)) {
    return 'should be a private key, got its public half (the file without .pub)';
  }
  return 'should be a private key, from its line BEGIN … PRIVATE KEY to its line END';
}

/** ssh refuses a key whose last line is not ended, or whose lines end in CRLF. */
export function wholeLines(value: string): string {
  return `${value.replaceAll('\r\n', '\n').trimEnd()}\n`;
}
