/** One id per tab that survives a reload, as README.md makes it for static members. */
export async function tabId(): Promise<string> {
  const kept = sessionStorage.getItem('tab-id')
  if (kept !== null && (await hold(kept))) return kept
  const id = crypto.randomUUID()
  sessionStorage.setItem('tab-id', id)
  await hold(id)
  return id
}

/** Holds a lock of that name for as long as the page lives; false when another tab has it. */
function hold(id: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { signal: AbortSignal.timeout(500) }
    const held = () => {
      resolve(true)
      return new Promise(() => {})
    }
    navigator.locks.request(`tab-id:${id}`, options, held).catch(() => resolve(false))
  })
}
