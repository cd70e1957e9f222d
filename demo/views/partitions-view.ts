/** The partitions as horizontal logs, all to one scale. */
import type { PartitionView } from '../cluster/cluster-view.js'
import { create, KeyedList, setAttribute, setText } from '../dom.js'
import { formatCount } from '../format.js'
import { GROUP } from '../names.js'
import { markWithTab, showTabLabel } from './tab-label.js'

export class PartitionsView {
  readonly #list: KeyedList<number, PartitionItem>
  readonly #empty: HTMLElement

  constructor(root: HTMLElement, empty: HTMLElement) {
    this.#list = new KeyedList(root, (partition) => new PartitionItem(partition))
    this.#empty = empty
  }

  update(partitions: readonly PartitionView[]): void {
    this.#empty.hidden = partitions.length > 0
    const start = Math.min(...partitions.map((one) => one.start))
    const end = Math.max(...partitions.map((one) => one.end))
    const scale = { start, length: Math.max(1, end - start) }
    const items = this.#list.update(partitions.map(({ partition }) => partition))
    items.forEach((item, index) => {
      const partition = partitions[index]
      if (partition !== undefined) item.update(partition, scale)
    })
  }
}

interface Scale {
  readonly start: number
  readonly length: number
}

class PartitionItem {
  readonly root: HTMLLIElement
  readonly #owner = create('span', { class: 'tab-label' })
  readonly #bar = create('div', { class: 'log', attributes: { role: 'img' } })
  readonly #stored = create('div', { class: 'log-stored' })
  readonly #done = create('div', { class: 'log-done' })
  readonly #marks = create('div', { class: 'log-marks' })
  readonly #groups = create('p', { class: 'log-groups' })
  readonly #offsets = create('p', { class: 'log-offsets' })

  constructor(partition: number) {
    this.#bar.append(this.#stored, this.#done, this.#marks)
    const name = create('h3', { class: 'partition-name' }, `Partition ${partition}`)
    this.root = create(
      'li',
      { class: 'partition' },
      name,
      this.#owner,
      this.#bar,
      this.#groups,
      this.#offsets,
    )
    this.root.dataset['partition'] = String(partition)
  }

  update(view: PartitionView, scale: Scale): void {
    const { start, end, owner, groups } = view
    const percent = (offset: number) => `${((offset - scale.start) / scale.length) * 100}%`
    const committed = groups.find(({ groupId }) => groupId === GROUP)?.committed ?? start
    showTabLabel(this.#owner, owner)
    markWithTab(this.root, owner)
    place(this.#stored, percent(start), percent(end))
    place(this.#done, percent(start), percent(Math.max(start, committed)))
    setText(this.#offsets, `start ${formatCount(start)}, end ${formatCount(end)}`)

    const lines = groups.map(
      (group) =>
        `${group.groupId}: committed ${group.committed === undefined ? 'nothing yet' : formatCount(group.committed)}, lag ${formatCount(group.lag)}`,
    )
    setText(this.#groups, lines.length === 0 ? 'no group yet' : lines.join(' · '))
    setAttribute(this.#bar, 'aria-label', `Log from offset ${start} to ${end}. ${lines.join('. ')}`)
    const marks = groups.flatMap(({ committed }) => (committed === undefined ? [] : [committed]))
    while (this.#marks.children.length > marks.length) this.#marks.lastElementChild?.remove()
    marks.forEach((offset, index) => {
      const mark =
        this.#marks.children[index] ?? this.#marks.appendChild(create('div', { class: 'log-mark' }))
      if (mark instanceof HTMLElement) mark.style.left = percent(Math.max(start, offset))
    })
  }
}

function place(element: HTMLElement, left: string, right: string): void {
  element.style.left = left
  element.style.width = `calc(${right} - ${left})`
}
