/** Files dropped anywhere on the page, unless there is no broker to send them to. */
import { byId } from '../dom.js'

export function watchDrops(onFiles: (files: readonly File[]) => void): void {
  const overlay = byId('drop-overlay', HTMLElement)
  const hasFiles = (event: DragEvent) =>
    event.dataTransfer?.types.includes('Files') === true &&
    document.body.dataset['broker'] !== 'none'
  addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    overlay.hidden = false
  })
  addEventListener('dragleave', (event) => {
    // Without a target inside the page the pointer has left the window.
    if (event.relatedTarget === null) overlay.hidden = true
  })
  addEventListener('drop', (event) => {
    overlay.hidden = true
    if (!hasFiles(event)) return
    event.preventDefault()
    onFiles([...(event.dataTransfer?.files ?? [])])
  })
}
