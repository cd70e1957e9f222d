/** The second face: the console as any app may have it, over this page's own connection. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { TabmqConsole } from '../../src/console/index.js'
import { useParts } from '../app/parts.js'
import { useCell } from '../app/use-cell.js'
import { describeError } from '../describe-error.js'

export function ConsoleFace({ view }: { view: string | undefined }) {
  const { demo, router, theme } = useParts()
  const place = useRef<HTMLDivElement>(null)
  const element = useRef<TabmqConsole | undefined>(undefined)
  const [problem, setProblem] = useState('')
  const chosenTheme = useCell(theme.cell)
  const showTheme = () => {
    if (chosenTheme === 'auto') element.current?.removeAttribute('theme')
    else element.current?.setAttribute('theme', chosenTheme)
  }

  useEffect(() => {
    let isThere = true
    // Who never looks at it does not load it.
    import('../../src/console/index.js').then(
      () => {
        if (!isThere) return
        const made = document.createElement('tabmq-console')
        made.connection = demo.mq
        if (view !== undefined) made.setAttribute('view', view)
        made.addEventListener('viewchange', () => {
          router.replace({ face: 'console', view: made.view })
        })
        element.current = made
        showTheme()
        place.current?.append(made)
      },
      (error: unknown) => setProblem(`The console was not loaded. ${describeError(error)}`),
    )
    return () => {
      isThere = false
      element.current?.remove()
    }
  }, [])
  useEffect(showTheme, [chosenTheme])
  useEffect(() => {
    if (view !== undefined && element.current?.view !== view) {
      element.current?.setAttribute('view', view)
    }
  }, [view])
  return (
    <div ref={place} class="console-face">
      {problem !== '' && <p class="notice">{problem}</p>}
    </div>
  )
}
