/** Timers for pages that may be hidden: a page's own then run once a second, a worker's go on. */
addEventListener('message', ({ data }: MessageEvent<{ id: number; ms: number }>) => {
  setTimeout(() => postMessage(data.id), data.ms)
})
