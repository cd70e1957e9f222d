/** The tabs that are connected, as cards with their partitions. */
import type { TabView } from '../cluster/cluster-view.js'
import { create, KeyedList, setAttribute, setText } from '../dom.js'
import { formatCount } from '../format.js'
import { markWithTab, showTabLabel } from './tab-label.js'

export class TabsView {
  readonly #list: KeyedList<string, TabItem>
  readonly #thisTab: number

  constructor(root: HTMLElement, thisTab: number) {
    this.#list = new KeyedList(root, () => new TabItem())
    this.#thisTab = thisTab
  }

  update(tabs: readonly TabView[], handledByTab: ReadonlyMap<number, number>): void {
    const items = this.#list.update(tabs.map(({ name }) => name.text))
    items.forEach((item, index) => {
      const tab = tabs[index]
      if (tab === undefined) return
      const { number } = tab.name
      const handled = number === undefined ? 0 : (handledByTab.get(number) ?? 0)
      item.update(tab, { isThis: number === this.#thisTab, handled })
    })
  }
}

class TabItem {
  readonly root: HTMLLIElement
  readonly #name = create('h3', { class: 'tab-label' })
  readonly #isThis = create('span', { class: 'this-mark', text: 'this tab' })
  readonly #partitions = create('p', { class: 'tab-partitions' })
  readonly #handled = create('p', { class: 'hint' })

  constructor() {
    const head = create('div', { class: 'tab-head' }, this.#name, this.#isThis)
    this.root = create('li', { class: 'tab' }, head, this.#partitions, this.#handled)
  }

  update(tab: TabView, { isThis, handled }: { isThis: boolean; handled: number }): void {
    showTabLabel(this.#name, tab.name)
    markWithTab(this.root, tab.name)
    setAttribute(this.root, 'data-tab', String(tab.name.number ?? ''))
    this.#isThis.hidden = !isThis
    setText(this.#partitions, describePartitions(tab))
    setText(this.#handled, `${formatCount(handled)} handled`)
  }
}

function describePartitions({ isMember, partitions }: TabView): string {
  if (!isMember) return 'Its worker is stopped.'
  if (partitions.length === 0) return 'No partition at the moment.'
  return `${partitions.length === 1 ? 'Partition' : 'Partitions'} ${partitions.join(', ')}`
}
