/**
 * How message values become bytes and back. The id is stored in every batch, so that a reader finds
 * the codec again; ids 0 to 15 are tabmq's own.
 */
export interface Codec {
  /** 16 to 255 for a codec of one's own; what is written with it needs it for ever. */
  readonly id: number
  readonly name: string
  /** Encodes one value. What it throws rejects the `send` as `SERIALIZATION_FAILED`. */
  encode(value: unknown): Uint8Array
  /** Decodes one value. `bytes` is a view that the codec must not keep or change. */
  decode(bytes: Uint8Array): unknown
}
