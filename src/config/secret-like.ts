/** What is probably a secret, by the name of a variable or by its value: such text does not belong into a file. */

/** Words of names. `PWD` alone is the working directory. */
const WORDS =
  /^(?:api|access|private|secret|auth)?(?:key|keys)$|^(?:pass|passwd|passwort|pw|pwd|pin|pins|cred|creds|credential|credentials|auth|dsn|seed|seeds|totp|otp|mnemonic|cookie|bearer|jwt|salt|private|license|licence)$|(?:password|passwd|passphrase|secret|secrets|token|tokens|webhook|webhooks|apikey|passcode|pwd|(?<!by)pass)$/;

/** Values that are one whatever their name is. */
const VALUES: readonly RegExp[] = [
  // A URL with a password or a token in it.
  /:\/\/[^/\s@]+@/,
  /[?&;](?:[a-z_-]*(?:key|token|secret|password|passwd|pwd|sig|signature|auth)[a-z_-]*)=[^&\s]/i,
  /^https?:\/\/(?:hooks\.|[^/]*\/(?:api\/)?webhooks?\/|[^/]*telegram\.org\/bot)/i,
  /-----BEGIN /,
  /^eyJ[\w-]+\.[\w-]+/,
  // A TOTP seed in base32, with or without blanks.
  /^(?=.*[2-7])(?:[A-Z2-7]{4,8} ?){4,16}=*$/,
  // Hex digits or base64 of 32 and more.
  /^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+_=-]{32,}$/,
];

export function looksSecret(name: string, value: string): boolean {
  return isSecretName(name) || VALUES.some((pattern) => pattern.test(value.slice(0, 2000)));
}

/** `DB_PASS`, `apiKey`, `TWOFACTOR_CODE`; not `BYPASS_WARNING`. */
export function isSecretName(name: string): boolean {
  if (/^(?:OLD)?PWD$/.test(name)) return false;
  if (/(?:2FA|TWO_?FA|TWO_?FACTOR|MFA).*(?:CODE|SECRET|SEED)/i.test(name)) return true;
  return name
    .slice(0, 200)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[_.-]/)
    .some((word) => WORDS.test(word.replace(/\d+$/, '')));
}
