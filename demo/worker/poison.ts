/** A message that no handler gets over. */
export interface Poison {
  readonly partition: number
  readonly offset: number
  /** How often this tab has tried. */
  readonly tries: number
}

export class PoisonError extends Error {
  override readonly name = 'PoisonError'

  constructor({ partition, offset }: Poison) {
    super(`partition ${partition}, offset ${offset} cannot be handled`)
  }
}
