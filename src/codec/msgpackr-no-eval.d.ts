/**
 * The part of msgpackr's build without `eval` that is used here: the package has no types for it,
 * and those of its main entry want Node's.
 */
declare module 'msgpackr/index-no-eval' {
  interface PackrOptions {
    readonly moreTypes?: boolean
    readonly structuredClone?: boolean
    readonly useToJSON?: boolean
    readonly writeFunction?: () => never
  }

  interface UnpackrOptions {
    readonly copyBuffers?: boolean
    readonly structuredClone?: boolean
  }

  export class Packr {
    constructor(options: PackrOptions)
    pack(value: unknown, encodeOptions?: number): Uint8Array
  }

  export class Unpackr {
    constructor(options: UnpackrOptions)
    unpack(bytes: Uint8Array): unknown
  }

  export const RESET_BUFFER_MODE: number
}
