/**
 * What a command prints with: data on stdout, everything else on stderr. Texts may hold what others wrote:
 * whatever a terminal would act on is escaped, but breaks between lines, tabs and what `style` made.
 */

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export interface Ui {
  /** stdout is a terminal: colours and aligned tables. */
  readonly terminal: boolean;
  /** How wide it is; null: no terminal, or not known. */
  readonly columns: number | null;
  /** stderr and stdin are terminals: prompts and a progress line that is rewritten. */
  readonly interactive: boolean;
  /** Data, on stdout, plus a newline. */
  print(text: string): void;
  /** Empties the screen; nothing where stdout is no terminal. */
  clear(): void;
  /** A JSON object on stdout; `schemaVersion` comes first. */
  json(value: object): void;
  /** Progress, on stderr; silent with `-q`. Of a line that is endless the beginning. */
  note(text: string): void;
  /** A problem or its cure, on stderr, also with `-q`. */
  tell(text: string): void;
  /** A warning, on stderr, with `ibq: warning: ` in front. */
  warn(text: string): void;
  /** Styles text for stdout; plain in a pipe, with `--no-color` or `NO_COLOR`. */
  style(style: Style, text: string): string;
  /**
   * A yes/no question on the terminal. `assumeYes` (`-y`) answers it; with `unlessTyped` nothing but a
   * typed yes is one.
   * @throws UserError (64) without a terminal, naming the flag.
   */
  confirm(
    question: string,
    options: { assumeYes: boolean; flag: string; unlessTyped?: 'no' },
  ): Promise<boolean>;
  /**
   * One of several, by its number; Enter takes the first. To be asked only where `interactive`.
   * @returns its index
   */
  choose(question: string, choices: readonly string[]): Promise<number>;
  /** A value from a hidden prompt, or all of stdin without its last newline where stdin is no terminal. */
  readHidden(prompt: string): Promise<string>;
}
