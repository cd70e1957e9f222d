/**
 * What may be said of stores: what is accepted is on the disk at the reply, and what is read was there at
 * some moment since it was asked. Of reads, those of one key are looked at.
 */
import type { StoreWrite } from '../../../src/protocol/requests/stores.js'
import type { Answered, AuditParts } from './audit.js'

export class StoresAudit {
  readonly #parts: AuditParts

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  written(answered: Answered<'storeWrite'>): void {
    this.#written(answered, answered.request)
  }

  committed(answered: Answered<'commitOffsets'>): void {
    const { store } = answered.request
    if (store !== undefined) this.#written(answered, store)
  }

  read({ request, response, exchange, isSuperseded, trueSince }: Answered<'storeRead'>): void {
    const { store, from, to } = request
    if (isSuperseded || to !== `${from}\0`) return
    const [found, ...others] = response.entries
    const isOfKey = others.length === 0 && (found === undefined || found.key === from)
    const wasSo = this.#parts.durable
      .storeEntry(store, from)
      .wasSince(trueSince, (value) => isSame(value, found?.value))
    if (isOfKey && wasSo) return
    this.#parts.report(exchange, `${store}: ${from} was never so`)
  }

  #written(
    { exchange, version }: Answered<'storeWrite' | 'commitOffsets'>,
    { store, puts, deletes }: StoreWrite,
  ): void {
    const wanted = [
      ...puts.map(({ key, value }) => [key, value] as const),
      ...deletes.map((key) => [key, undefined] as const),
    ]
    for (const [key, value] of wanted) {
      const entry = this.#parts.durable.storeEntry(store, key)
      if (entry.wasSince(version, (stored) => isSame(stored, value))) continue
      this.#parts.report(exchange, `${store}: ${key} is not on the disk as it was put`)
    }
  }
}

function isSame(one: ArrayBuffer | undefined, other: ArrayBuffer | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  const bytes = new Uint8Array(other)
  return (
    one.byteLength === bytes.byteLength &&
    new Uint8Array(one).every((byte, index) => byte === bytes[index])
  )
}
