/** How IBC and Java read what they are given: the same for every image that is built on them. */

/**
 * A value of a Java Properties file (java.util.Properties, load): ISO 8859-1 with `\\` and `\\uXXXX`. The
 * images copy passwords into IBC's config.ini, which is one.
 */
export function encodeProperty(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** IBC drops blanks at the ends of a value. */
export function edgeBlankProblem(value: string): string | null {
  return value === value.trim() ? null : 'should not begin or end with a blank: IBC drops it';
}
