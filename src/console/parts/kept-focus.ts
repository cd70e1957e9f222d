/**
 * What has the focus may be gone with the next state: a row that another tab has deleted, a link to the
 * view that it led to. The browser would begin at the top of the page then, far from the console.
 */
import type { RefObject } from 'preact'
import { useEffect } from 'preact/hooks'

/** Gives the focus to `frame` when what had it is gone from inside. */
export function useKeptFocus(frame: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const element = frame.current
    if (element === null) return undefined
    let last: Element | undefined
    const onFocusIn = ({ target }: FocusEvent) => {
      last = target instanceof Element ? target : undefined
    }
    const onFocusOut = ({ target }: FocusEvent) => {
      // Browsers differ in whether what is removed loses the focus with an event, and it is still there then.
      queueMicrotask(() => {
        if (last !== undefined && target === last && last.isConnected) last = undefined
      })
    }
    const observer = new MutationObserver(() => {
      if (last === undefined || last.isConnected) return
      last = undefined
      const { activeElement } = document
      const isNowhere = activeElement === null || activeElement === document.body
      if (isNowhere) element.focus({ preventScroll: true })
    })
    element.addEventListener('focusin', onFocusIn)
    element.addEventListener('focusout', onFocusOut)
    observer.observe(element, { childList: true, subtree: true })
    return () => {
      observer.disconnect()
      element.removeEventListener('focusin', onFocusIn)
      element.removeEventListener('focusout', onFocusOut)
    }
  }, [])
}
