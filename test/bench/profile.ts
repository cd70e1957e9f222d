/** Where the time goes: what a CPU profile says, by function. */

/** As DevTools writes it; the rest of it is kept for whoever loads the file there. */
export interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
  }[]
  readonly samples?: readonly number[]
  /** Microseconds from each sample to the next. */
  readonly timeDeltas?: readonly number[]
}

/** The functions that were at work themselves for longest, with their share of the time. */
export function describeProfile(profile: Profile, count = 30): string {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const selfUs = new Map<string, number>()
  let totalUs = 0
  profile.samples?.forEach((id, index) => {
    const name = names.get(id) ?? '?'
    const us = profile.timeDeltas?.[index] ?? 0
    totalUs += us
    selfUs.set(name, (selfUs.get(name) ?? 0) + us)
  })
  return [...selfUs]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, us]) => `${((100 * us) / totalUs).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n')
}

function nameOf({ functionName, url }: Profile['nodes'][number]['callFrame']): string {
  const file = url.split('/').at(-1) ?? ''
  return `${functionName === '' ? '(anonymous)' : functionName}${file === '' ? '' : `  ${file}`}`
}
