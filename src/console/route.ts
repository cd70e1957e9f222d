/** Where in the console one is. */
export const VIEWS = [
  'topics',
  'messages',
  'groups',
  'share-groups',
  'exchanges',
  'stores',
  'health',
] as const

export type ViewName = (typeof VIEWS)[number]

export interface Route {
  readonly view: ViewName
  /** The topic, group, exchange or store that is shown; absent for the list of all. */
  readonly name?: string
  /** Of messages: where to begin. */
  readonly partition?: number
  readonly offset?: number
}

export function isViewName(value: unknown): value is ViewName {
  return (VIEWS as readonly unknown[]).includes(value)
}
