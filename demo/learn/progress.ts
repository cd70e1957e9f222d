/** Which scenarios were played to their end. */
import { SharedSetting } from '../app/shared-setting.js'
import type { Cell } from '../app/cell.js'

export class Progress {
  readonly #finished = new SharedSetting<string>('finished', (text) => text ?? '')

  /** Their ids, with spaces between. */
  get cell(): Cell<string> {
    return this.#finished.cell
  }

  finish(id: string): void {
    const ids = new Set(this.#finished.value.split(' ').filter(Boolean))
    this.#finished.set([...ids.add(id)].join(' '))
  }
}
