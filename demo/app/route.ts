/** Which face of the page is shown, and where in it: all of it is in the address, to be shared. */
import { Cell } from './cell.js'

export type Route =
  | { readonly face: 'stage' }
  /** `view` as the console's attribute of that name, slashes and all. */
  | { readonly face: 'console'; readonly view: string | undefined }
  | { readonly face: 'learn'; readonly scenario: string | undefined; readonly step: number }

/** What is not understood leads to the stage. Steps count from 1. */
export function parseRoute(hash: string): Route {
  const [, face, ...rest] = hash.split('/')
  const [first, second] = rest
  if (face === 'console') return { face, view: rest.join('/') || undefined }
  if (face === 'learn') {
    const step = Number(second ?? '1')
    const scenario = first === '' ? undefined : first
    return { face, scenario, step: Number.isInteger(step) && step >= 1 ? step : 1 }
  }
  return { face: 'stage' }
}

/** The end of an address, with its `#`. */
export function formatRoute(route: Route): string {
  switch (route.face) {
    case 'stage':
      return '#/stage'
    case 'console':
      return route.view === undefined ? '#/console' : `#/console/${route.view}`
    case 'learn':
      return route.scenario === undefined
        ? '#/learn'
        : `#/learn/${route.scenario}/${String(route.step)}`
  }
}

export class Router {
  readonly route = new Cell(parseRoute(location.hash))

  constructor() {
    this.#correctNowhere()
    addEventListener('hashchange', () => {
      this.route.set(parseRoute(location.hash))
      this.#correctNowhere()
    })
  }

  /** Without a new entry in the history: going back leads to another face, not to another step. */
  replace(route: Route): void {
    history.replaceState(history.state, '', formatRoute(route))
    this.route.set(route)
  }

  /** Where `route` is shown for what the address says. One that has just changed is left: that is shown next. */
  correct(route: Route): void {
    const isChanged = formatRoute(parseRoute(location.hash)) !== formatRoute(this.route.value)
    if (!isChanged && location.hash !== formatRoute(route)) this.replace(route)
  }

  /** An address without an end is that of the page; with one that is not understood it is put right. */
  #correctNowhere(): void {
    if (location.hash !== '' && this.route.value.face === 'stage') this.correct({ face: 'stage' })
  }

  /** With one, so that going back leads to what was shown before. */
  push(route: Route): void {
    history.pushState(null, '', formatRoute(route))
    this.route.set(route)
  }
}
