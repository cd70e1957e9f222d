/**
 * Keys of which the next message is delivered to nobody yet, though all before it seem final: what made the
 * last of them so is on its way to the disk, and may be taken back when there is no space. Soft state, of
 * one group.
 */
import type { PartitionId } from '../../protocol/names.js'

export class HeldKeys {
  /** How often each is held, by the hash of the key. */
  readonly #byPartition = new Map<PartitionId, Map<number, number>>()

  of(partitionId: PartitionId): ReadonlyMap<number, number> | undefined {
    return this.#byPartition.get(partitionId)
  }

  hold(partitionId: PartitionId, keyHash: number): void {
    const held = this.#byPartition.get(partitionId) ?? new Map<number, number>()
    this.#byPartition.set(partitionId, held)
    held.set(keyHash, (held.get(keyHash) ?? 0) + 1)
  }

  release(partitionId: PartitionId, keyHash: number): void {
    const held = this.#byPartition.get(partitionId)
    const count = (held?.get(keyHash) ?? 0) - 1
    if (count > 0) held?.set(keyHash, count)
    else held?.delete(keyHash)
    if (held?.size === 0) this.#byPartition.delete(partitionId)
  }
}
