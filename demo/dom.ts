/** The few things that the page needs to put its elements together. */

/** The element of that id, which index.html has. */
export function byId<T extends HTMLElement>(id: string, type: abstract new () => T): T {
  const found = document.getElementById(id)
  if (found instanceof type) return found
  throw new Error(`index.html has no ${type.name} with the id ${id}`)
}

export interface ElementOptions {
  readonly class?: string
  readonly text?: string
  readonly attributes?: Readonly<Record<string, string>>
}

export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  options: ElementOptions = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  if (options.class !== undefined) element.className = options.class
  if (options.text !== undefined) element.textContent = options.text
  for (const [name, value] of Object.entries(options.attributes ?? {})) {
    element.setAttribute(name, value)
  }
  element.append(...children)
  return element
}

/** Writes only what differs, so that what a reader selects or hears stays. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

export function setAttribute(element: Element, name: string, value: string | undefined): void {
  if (value === undefined) element.removeAttribute(name)
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

/** Makes a list have one child per key, in this order, and keeps the children that it has. */
export class KeyedList<Key, Item extends { readonly root: HTMLElement }> {
  readonly #parent: HTMLElement
  readonly #create: (key: Key) => Item
  readonly #items = new Map<Key, Item>()

  constructor(parent: HTMLElement, create: (key: Key) => Item) {
    this.#parent = parent
    this.#create = create
  }

  update(keys: readonly Key[]): Item[] {
    const wanted = new Set(keys)
    for (const [key, item] of this.#items) {
      if (wanted.has(key)) continue
      item.root.remove()
      this.#items.delete(key)
    }
    return keys.map((key, index) => {
      const item = this.#items.get(key) ?? this.#create(key)
      this.#items.set(key, item)
      const inPlace = this.#parent.children[index]
      if (inPlace !== item.root) this.#parent.insertBefore(item.root, inPlace ?? null)
      return item
    })
  }
}
