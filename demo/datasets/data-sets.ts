/**
 * The data sets that the page can send: facts in the public domain. Each is fetched when it is asked
 * for. Two are written by hand; the larger ones are agencies' of the United States, as the package
 * vega-datasets has them.
 */
import type { FileKind } from '../files/file-kind.js'

export interface DataSet {
  readonly id: string
  readonly title: string
  readonly source: string
  readonly fileName: string
  readonly kind: FileKind
  /** The column whose values are the keys. */
  readonly key: string
  readonly address: URL
}

export const SAMPLE: DataSet = {
  id: 'birdstrikes',
  title: '10,000 bird strikes at US airports',
  source: 'Federal Aviation Administration, wildlife strike reports',
  fileName: 'birdstrikes.csv',
  kind: 'csv',
  key: 'Airport Name',
  address: new URL('../../node_modules/vega-datasets/data/birdstrikes.csv', import.meta.url),
}

export const DATA_SETS: readonly DataSet[] = [
  SAMPLE,
  {
    id: 'flights',
    title: '2,000 flights in the US',
    source: 'Bureau of Transportation Statistics, on-time performance',
    fileName: 'flights-2k.json',
    kind: 'json',
    key: 'origin',
    address: new URL('../../node_modules/vega-datasets/data/flights-2k.json', import.meta.url),
  },
  {
    id: 'weather',
    title: '1,461 days of weather in Seattle',
    source: 'National Oceanic and Atmospheric Administration',
    fileName: 'seattle-weather.csv',
    kind: 'csv',
    key: 'weather',
    address: new URL('../../node_modules/vega-datasets/data/seattle-weather.csv', import.meta.url),
  },
  {
    id: 'elements',
    title: '118 chemical elements',
    source: 'names and symbols as IUPAC has them',
    fileName: 'elements.csv',
    kind: 'csv',
    key: 'family',
    address: new URL('./elements.csv', import.meta.url),
  },
  {
    id: 'planets',
    title: '8 planets',
    source: 'NASA planetary fact sheet',
    fileName: 'planets.csv',
    kind: 'csv',
    key: 'kind',
    address: new URL('./planets.csv', import.meta.url),
  },
]

/** @throws Error when it cannot be fetched */
export async function fetchDataSet({ address, fileName }: DataSet): Promise<File> {
  const response = await fetch(address)
  if (!response.ok) throw new Error(`${fileName} could not be fetched (${response.status})`)
  return new File([await response.blob()], fileName)
}
