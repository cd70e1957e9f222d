/**
 * The codecs that a tab or a worker has, by id and by name. An id is stored in every batch, so what
 * is registered under it must stay the same for as long as there is data written with it.
 */
import { TabmqError } from '../protocol/errors.js'
import { describe, detailOf } from '../protocol/names.js'
import { bytesCodec } from './bytes-codec.js'
import type { Codec } from './codec.js'
import { jsonCodec } from './json-codec.js'
import { structuredCodec } from './structured-codec.js'
import { textCodec } from './text-codec.js'

export const OWN_CODEC_ID_MIN = 16
export const CODEC_ID_MAX = 255

const BUILT_IN_CODECS: readonly Codec[] = [structuredCodec, jsonCodec, textCodec, bytesCodec]

export class CodecRegistry {
  readonly #byId = new Map<number, Codec>()
  readonly #byName = new Map<string, Codec>()

  /**
   * The built-in codecs and those given.
   * @throws TabmqError INVALID_CONFIG
   */
  constructor(own: readonly Codec[] = []) {
    for (const codec of BUILT_IN_CODECS) this.#add(codec)
    for (const codec of own) {
      checkOwnCodec(codec)
      this.#add(codec)
    }
  }

  /** @throws TabmqError UNSUPPORTED_CODEC */
  byId(id: number): Codec {
    const codec = this.#byId.get(id)
    if (codec !== undefined) return codec
    throw unsupported(id)
  }

  /** One that encodes and decodes nothing, where there is none of that id. */
  byIdOrNone(id: number): Codec {
    const fail = () => {
      throw unsupported(id)
    }
    return this.#byId.get(id) ?? { id, name: `codec ${id}`, encode: fail, decode: fail }
  }

  /** @throws TabmqError UNSUPPORTED_CODEC */
  byName(name: string): Codec {
    const codec = this.#byName.get(name)
    if (codec !== undefined) return codec
    const names = [...this.#byName.keys()].join(', ')
    throw new TabmqError(
      'UNSUPPORTED_CODEC',
      `no codec is named ${describe(name)}; there are ${names}`,
      { codec: name },
    )
  }

  /**
   * A codec by name, or one that is registered.
   * @throws TabmqError UNSUPPORTED_CODEC when it is unknown here: what it writes could not be read
   */
  resolve(codec: string | Codec): Codec {
    if (typeof codec === 'string') return this.byName(codec)
    if (this.#byName.get(codec.name) === codec) return codec
    throw new TabmqError(
      'UNSUPPORTED_CODEC',
      `codec ${describe(codec.name)} is not the one that the client was given: pass it to Tabmq in \`codecs\``,
      { codec: codec.name },
    )
  }

  #add(codec: Codec): void {
    const sameId = this.#byId.get(codec.id)
    if (sameId !== undefined) {
      throw invalid(`id ${codec.id} belongs to codec ${describe(sameId.name)}`, { id: codec.id })
    }
    if (this.#byName.has(codec.name)) {
      throw invalid(`there is a codec named ${describe(codec.name)} already`, { name: codec.name })
    }
    this.#byId.set(codec.id, codec)
    this.#byName.set(codec.name, codec)
  }
}

function checkOwnCodec(codec: Codec): void {
  const { id, name, encode, decode } = codec as Partial<Record<keyof Codec, unknown>>
  if (typeof name !== 'string' || name === '') {
    throw invalid(`${describe(name)} is no name of a codec`, { name: describe(name) })
  }
  const inRange = Number.isInteger(id) && (id as number) >= OWN_CODEC_ID_MIN
  if (!inRange || (id as number) > CODEC_ID_MAX) {
    const range = `a whole number from ${OWN_CODEC_ID_MIN} to ${CODEC_ID_MAX}`
    throw invalid(`the id of codec ${describe(name)} must be ${range}, not ${describe(id)}`, {
      name,
      id: detailOf(id),
    })
  }
  if (typeof encode !== 'function' || typeof decode !== 'function') {
    throw invalid(`codec ${describe(name)} must have the functions encode and decode`, { name })
  }
}

function unsupported(codecId: number): TabmqError {
  const message = `no codec is registered under id ${codecId}`
  return new TabmqError('UNSUPPORTED_CODEC', message, { codecId })
}

function invalid(message: string, details: Record<string, unknown>): TabmqError {
  return new TabmqError('INVALID_CONFIG', message, details)
}
