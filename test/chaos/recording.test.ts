/** The record of a chaos run: every event of a tab once and in its order, whatever arrives how often. */
import { expect, test } from 'vitest'
import { Prng } from '../../src/std/prng.js'
import { drawPlan } from './plan.js'
import type { RecordedEvent, TabEvent } from './record.js'
import { Recording } from './recording.js'

function newRecording(): Recording {
  return new Recording({ plan: drawPlan(new Prng(1)), prng: new Prng(2), plant: undefined })
}

function call(number: number): TabEvent {
  return { type: 'called', call: number, name: 'send' }
}

function callsOf({ events }: Recording): number[] {
  return events.flatMap((event) => (event.type === 'called' ? event.call : []))
}

function typesOf({ events }: Recording): RecordedEvent['type'][] {
  return events.map(({ type }) => type)
}

test('what a page tells again as it goes away is heard once', () => {
  const recording = newRecording()
  recording.told({ tab: 'a', from: 0, events: [call(0)] })
  recording.told({ tab: 'a', from: 1, events: [call(1), call(2)] })
  recording.told({ tab: 'a', from: 1, events: [call(1), call(2), call(3)] })
  recording.told({ tab: 'a', from: 1, events: [call(1), call(2)] })
  expect(callsOf(recording)).toEqual([0, 1, 2, 3])
})

test('a gap in what a page tells is an error of the recorder', () => {
  const recording = newRecording()
  expect(() => recording.told({ tab: 'a', from: 1, events: [call(1)] })).toThrow('after 0')
})

test('a page that loads in a tab ends the one before, and gets ids of its own', () => {
  const recording = newRecording()
  const first = recording.orders({ tab: 1, slot: 0 })
  const second = recording.orders({ tab: 1, slot: 0 })
  expect(typesOf(recording)).toEqual(['tabStarted', 'tabDied', 'tabStarted'])
  expect(second.tab).not.toBe(first.tab)
  expect(second.firstId - first.firstId).toBeGreaterThan(1_000_000)
  expect(recording.pageOf(1)).toBe(second.tab)
})

test('a tab dies once', () => {
  const recording = newRecording()
  recording.pageDied(1)
  recording.orders({ tab: 1, slot: 0 })
  recording.pageDied(1)
  recording.pageDied(1)
  expect(typesOf(recording)).toEqual(['tabStarted', 'tabDied'])
})

test('a page that asks for its orders when its tab is gone was dead from the start', () => {
  const recording = newRecording()
  recording.tabGone(1)
  recording.orders({ tab: 1, slot: 0 })
  expect(typesOf(recording)).toEqual(['tabStarted', 'tabDied'])
})

test('a seed gives one plan, in which every group is in several slots', () => {
  const plan = drawPlan(new Prng(7))
  expect(drawPlan(new Prng(7))).toEqual(plan)
  expect(drawPlan(new Prng(8))).not.toEqual(plan)
  for (const index of plan.groups.keys()) {
    const slots = plan.slots.filter(({ groups }) => groups.includes(index))
    expect(slots.length).toBeGreaterThan(1)
  }
})
