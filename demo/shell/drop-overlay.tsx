/** Files dropped anywhere on the page. */
import { useEffect, useState } from 'preact/hooks'
import { useParts } from '../app/parts.js'
import { formatRoute } from '../app/route.js'

export function DropOverlay() {
  const { files, messages } = useParts().demo
  const [isOver, setOver] = useState(false)
  useEffect(() => {
    const listening = new AbortController()
    const { signal } = listening
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    const onLeave = (event: DragEvent) => {
      // Without a target inside the page the pointer has left the window.
      if (event.relatedTarget === null) setOver(false)
    }
    const onDrop = (event: DragEvent) => {
      setOver(false)
      if (!hasFiles(event)) return
      event.preventDefault()
      const dropped = [...(event.dataTransfer?.files ?? [])]
      const [file] = dropped
      if (file !== undefined) {
        // Where its form is.
        if (!document.querySelector('#file')) location.hash = formatRoute({ face: 'stage' })
        void files.choose(file)
      }
      if (dropped.length < 2) return
      messages.say('file', 'info', 'One file at a time: the first was taken.')
    }
    addEventListener('dragover', onOver, { signal })
    addEventListener('dragleave', onLeave, { signal })
    addEventListener('drop', onDrop, { signal })
    return () => listening.abort()
  }, [files, messages])
  return (
    <div class="drop-overlay" hidden={!isOver}>
      <p>Drop the file: its rows become messages, once you have chosen their key</p>
    </div>
  )
}
