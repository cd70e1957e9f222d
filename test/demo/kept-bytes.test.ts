import { expect, test } from 'vitest'
import { describeKeptBytes, keptBytesChoices } from '../../demo/controls/kept-bytes.js'

test('what others have set is among the choices, in its place', () => {
  const labels = (now: number | null) => keptBytesChoices(now).map(describeKeptBytes)
  expect(labels(null)).toEqual(['all of 7 days', '100 kB', '20.0 kB'])
  expect(labels(20_000)).toEqual(labels(null))
  expect(labels(50_000_000)).toEqual(['all of 7 days', '50.0 MB', '100 kB', '20.0 kB'])
})
