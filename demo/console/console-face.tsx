/** The second face: the console as any app may have it, over this page's own connection. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { TabmqConsole } from '../../src/console/index.js'
import { useParts } from '../app/parts.js'
import { useCell } from '../app/use-cell.js'
import { describeError } from '../describe-error.js'

/** What it shows where the address does not say. */
const FIRST = 'topics'

export function ConsoleFace({ view = FIRST }: { view: string | undefined }) {
  const { demo, router, theme } = useParts()
  const place = useRef<HTMLDivElement>(null)
  const element = useRef<TabmqConsole | undefined>(undefined)
  const isLed = useRef(false)
  const wanted = useRef(view)
  wanted.current = view
  const [problem, setProblem] = useState('')
  const chosenTheme = useCell(theme.cell)
  const showTheme = () => {
    if (chosenTheme === 'auto') element.current?.removeAttribute('theme')
    else element.current?.setAttribute('theme', chosenTheme)
  }

  /** Written in another way, or leading nowhere, an address would be led to again by going back. */
  const putRight = (made: TabmqConsole) => {
    const current = router.route.value
    const isAsked = current.face === 'console' && (current.view ?? FIRST) === wanted.current
    if (isAsked && made.view !== wanted.current)
      router.correct({ face: 'console', view: made.view })
  }

  useEffect(() => {
    let isThere = true
    // Who never looks at it does not load it.
    import('../../src/console/index.js').then(
      () => {
        if (!isThere) return
        const made = document.createElement('tabmq-console')
        made.connection = demo.mq
        made.setAttribute('view', wanted.current)
        made.addEventListener('viewchange', () => {
          const current = router.route.value
          // When the address has led there, there is nothing to be added to it.
          if (isLed.current || current.face !== 'console' || current.view === made.view) return
          router.push({ face: 'console', view: made.view })
        })
        element.current = made
        showTheme()
        place.current?.append(made)
        putRight(made)
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
    const made = element.current
    if (made === undefined) return
    isLed.current = true
    made.setAttribute('view', view)
    isLed.current = false
    putRight(made)
  }, [view])
  return (
    <div ref={place} class="console-face">
      {problem !== '' && <p class="notice">{problem}</p>}
    </div>
  )
}
