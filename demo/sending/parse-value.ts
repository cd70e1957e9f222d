/** Reads a value that was typed by hand. Pure. */

/** JSON where it is JSON, else the text as it is. */
export function parseValue(text: string): { value: unknown; wasText: boolean } {
  try {
    return { value: JSON.parse(text) as unknown, wasText: false }
  } catch {
    return { value: text, wasText: true }
  }
}
