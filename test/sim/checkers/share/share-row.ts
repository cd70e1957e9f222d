/** A share group's row of one partition as it is on the disk, read by the format alone. */
import type { SharePartitionRow } from '../../../../src/broker/rows.js'

export interface ShareRow {
  /** Where the group began here. */
  readonly beganAt: number
  /** Below it all is final. */
  readonly startOffset: number
  readonly runs: readonly RunOnDisk[]
}

export interface RunOnDisk {
  /** The last one exclusive. */
  readonly fromOffset: number
  readonly endOffset: number
  readonly isFinal: boolean
  readonly deliveryCount: number
}

const UNKNOWN = { isFinal: false, deliveryCount: 0 }

export function readRow(value: SharePartitionRow, before: ShareRow | undefined): ShareRow {
  const { startOffset, runs: flat } = value
  const runs: RunOnDisk[] = []
  let offset = startOffset
  for (let at = 0; at < flat.length;) {
    const [gap = 0, length = 0, kind = 0] = flat.slice(at, at + 3)
    const fromOffset = offset + gap
    const endOffset = fromOffset + length
    const isFinal = kind === 0
    runs.push({ fromOffset, endOffset, isFinal, deliveryCount: isFinal ? 0 : kind - 1 })
    offset = endOffset
    at += isFinal ? 3 : 6
  }
  return { beganAt: before?.beganAt ?? startOffset, startOffset, runs }
}

/** The first offset from which on nothing is known. */
export function endOf({ startOffset, runs }: ShareRow): number {
  return runs.at(-1)?.endOffset ?? startOffset
}

export function isFinal(row: ShareRow, offset: number): boolean {
  return offset < row.startOffset || stateAt(row, offset).isFinal
}

/** How often what is not final was delivered. */
export function deliveryCountAt(row: ShareRow, offset: number): number {
  return stateAt(row, offset).deliveryCount
}

function stateAt({ runs }: ShareRow, offset: number): Pick<RunOnDisk, 'isFinal' | 'deliveryCount'> {
  return runs.find((run) => run.fromOffset <= offset && offset < run.endOffset) ?? UNKNOWN
}
