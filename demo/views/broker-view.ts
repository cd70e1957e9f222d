/** The broker itself. A new incarnation means that it was started again. */
import type { StorageEstimate } from '../../src/index.js'
import type { BrokerView as BrokerState } from '../cluster/cluster-view.js'
import { byId, setAttribute, setText } from '../dom.js'
import { formatBytes, formatShortId } from '../format.js'

export class BrokerView {
  readonly #incarnation = byId('broker-incarnation', HTMLElement)
  readonly #epoch = byId('broker-epoch', HTMLElement)
  readonly #group = byId('broker-group', HTMLElement)
  readonly #log = byId('broker-log', HTMLElement)
  readonly #storage = byId('broker-storage', HTMLElement)

  update({ incarnation, epoch, groupState, logBytes }: BrokerState): void {
    setText(this.#incarnation, formatShortId(incarnation))
    setAttribute(this.#incarnation, 'title', incarnation)
    setText(this.#epoch, String(epoch))
    setText(this.#group, groupState)
    setText(this.#log, formatBytes(logBytes))
  }

  updateStorage({ usageBytes, quotaBytes }: StorageEstimate): void {
    const used = usageBytes === undefined ? 'unknown' : formatBytes(usageBytes)
    const of = quotaBytes === undefined ? '' : ` of ${formatBytes(quotaBytes)}`
    setText(this.#storage, `${used}${of}`)
  }
}
