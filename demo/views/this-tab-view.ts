/** What this tab is doing, and what became of its partitions lately. */
import { byId, create, setAttribute, setText } from '../dom.js'
import { formatCount, formatKey, formatRate, formatTime, formatValue } from '../format.js'
import { describeEvent, type RebalanceEvent } from '../worker/rebalance-log.js'
import type { WorkerStatus } from '../worker/tab-worker.js'

export class ThisTabView {
  readonly #state = byId('tab-state', HTMLElement)
  readonly #handled = byId('tab-handled', HTMLElement)
  readonly #rate = byId('tab-rate', HTMLElement)
  readonly #last = byId('tab-last', HTMLElement)
  readonly #events = byId('events', HTMLOListElement)
  readonly #noEvents = byId('events-empty', HTMLElement)
  readonly #pause = byId('pause', HTMLButtonElement)
  readonly #stop = byId('stop', HTMLButtonElement)
  readonly #skip = byId('skip', HTMLButtonElement)
  #shownEvents: readonly RebalanceEvent[] = []

  update(status: WorkerStatus): void {
    setText(this.#state, status.state)
    setAttribute(this.#state, 'data-state', status.state)
    setText(this.#handled, formatCount(status.handled))
    setText(this.#rate, formatRate(status.perSecond))
    setText(this.#last, describeLast(status.last))

    setText(this.#pause, status.isPaused ? 'Resume' : 'Pause')
    setAttribute(this.#pause, 'aria-pressed', String(status.isPaused))
    setText(this.#stop, status.isStarted ? 'Stop the worker' : 'Start the worker')
    setText(this.#skip, status.skipsNext ? 'Skipping the next one' : 'Skip one message')
    setAttribute(this.#skip, 'aria-pressed', String(status.skipsNext))
    if (status.events !== this.#shownEvents) this.#showEvents(status.events)
  }

  #showEvents(events: readonly RebalanceEvent[]): void {
    this.#shownEvents = events
    this.#noEvents.hidden = events.length > 0
    this.#events.replaceChildren(
      ...events.map((event) =>
        create(
          'li',
          {},
          create('time', { text: formatTime(event.atMs) }),
          ` ${describeEvent(event)}`,
        ),
      ),
    )
  }
}

function describeLast(last: WorkerStatus['last']): string {
  if (last === undefined) return 'None yet.'
  const { partition, message } = last
  const place = `partition ${partition}, offset ${message.offset}`
  return `${formatKey(message.key)} (${place}): ${formatValue(message.value)}`
}
