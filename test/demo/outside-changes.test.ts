import { expect, it } from 'vitest'
import type { ClusterView } from '../../demo/cluster/cluster-view.js'
import { OutsideChanges } from '../../demo/ledger/outside-changes.js'

interface Where {
  readonly committed?: number
  readonly start?: number
  readonly topicId?: string
  readonly incarnation?: string
  readonly groupState?: string
}

function view(where: Where): ClusterView {
  const { committed, start = 0, topicId = 't', incarnation = 'i', groupState = 'stable' } = where
  const groups = [{ groupId: 'workers', committed, lag: 0 }]
  return {
    topicId,
    partitions: [{ partition: 3, start, end: 100, owner: undefined, groups }],
    tabs: [],
    broker: { incarnation, epoch: 1, logBytes: 0, groupState },
  }
}

function changes(...states: Where[]) {
  const outside = new OutsideChanges('workers')
  return states.map((state) => outside.note(view(state))).at(-1)
}

it.each<[string, Where[]]>([
  ['the first state', [{ committed: 5, start: 3 }]],
  ['progress', [{ committed: 5 }, { committed: 9 }]],
  [
    'the last commit of a member that leaves',
    [{ committed: 5 }, { committed: 9, groupState: 'empty' }],
  ],
  ['another topic', [{ committed: 5 }, { committed: 0, topicId: 'u' }]],
  ['another broker', [{ committed: 5 }, { committed: 3, incarnation: 'j' }]],
  ['the deletion of what the group has passed', [{ committed: 5 }, { committed: 5, start: 5 }]],
])('%s changes nothing', (_, states) => {
  expect(changes(...states)).toEqual([])
})

it('notices that a group goes back', () => {
  const back = { kind: 'setBack', partition: 3 }
  expect(changes({ committed: 5 }, { committed: 2 })).toEqual([{ ...back, offset: 2 }])
  expect(changes({ committed: 5 }, {})).toEqual([{ ...back, offset: 0 }])
})

it('notices that a group at rest is set on', () => {
  const states = [5, 9].map((committed) => ({ committed, groupState: 'empty' }))
  expect(changes(...states)).toEqual([{ kind: 'setOn', partition: 3, from: 5, until: 9 }])
})

it('notices that messages are deleted before the group has come to them', () => {
  const deleted = { kind: 'deleted', partition: 3, from: 5, until: 9 }
  expect(changes({ committed: 5 }, { committed: 5, start: 9 })).toEqual([deleted])
  expect(changes({ committed: 5 }, { committed: 9, start: 9 })).toEqual([deleted])
  expect(changes({}, { committed: 9, start: 9 })).toEqual([{ ...deleted, from: 0 }])
  // What was in front of the beginning was told before.
  const stuck = changes({ committed: 5 }, { committed: 5, start: 7 }, { committed: 5, start: 9 })
  expect(stuck).toEqual([{ ...deleted, from: 7 }])
})
