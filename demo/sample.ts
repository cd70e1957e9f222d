/**
 * The sample: reports of birds that were hit by aircraft, from the United States' Federal Aviation
 * Administration, as the package vega-datasets has them. It is fetched when it is asked for.
 */
const address = new URL('../node_modules/vega-datasets/data/birdstrikes.csv', import.meta.url)

export const SAMPLE_KEY = 'Airport Name'

/** @throws Error when it cannot be fetched */
export async function fetchSample(): Promise<File> {
  const response = await fetch(address)
  if (!response.ok) throw new Error(`the sample could not be fetched (${response.status})`)
  return new File([await response.blob()], 'birdstrikes.csv', { type: 'text/csv' })
}
