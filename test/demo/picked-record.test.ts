import { expect, test } from 'vitest'
import { pickedStill } from '../../demo/logs/picked-record.js'
import type { ClusterState } from '../../src/index.js'

const stateOf = (topics: Readonly<Record<string, string>>) =>
  ({
    topics: Object.entries(topics).map(([topic, topicId]) => ({ topic, topicId })),
  }) as unknown as ClusterState

test('a record stays picked until its own topic is gone or another', () => {
  const picked = { topic: 'jobs', partition: 0, offset: 1 }
  const before = stateOf({ rows: 'a', jobs: 'b' })
  const still = (state: ClusterState) => pickedStill(picked, { before, state })
  expect(still(before)).toBe(picked)
  expect(still(stateOf({ rows: 'c', jobs: 'b' }))).toBe(picked)
  expect(still(stateOf({ rows: 'a', jobs: 'd' }))).toBeUndefined()
  expect(still(stateOf({ rows: 'a' }))).toBeUndefined()
})
