/** Where the gateway itself listens behind the relay of an image. */

/**
 * Every image with a relay has these ports, and none lets them be changed: its own profile says the same
 * (`ports` of a profile takes a whole instance, which nobody has who looks at what runs).
 */
const BEHIND: Readonly<Record<number, number>> = {
  4003: 4001,
  4004: 4002,
  7498: 7496,
  7499: 7497,
};

/**
 * @param profile id of the image's profile; what an image of the user's own does is not known
 * @returns null: there is no relay, or nothing is known of it
 */
export function gatewayBehind(profile: string, relayPort: number): number | null {
  return profile === 'custom' ? null : (BEHIND[relayPort] ?? null);
}
