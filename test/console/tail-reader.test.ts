/** How the steps of following a topic come one after the other. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { TailStep } from '../../src/console/messages/message-tail.js'
import { RETRY_DELAY_MS, TailReader } from '../../src/console/messages/tail-reader.js'
import type { TopicState } from '../../src/index.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A tail whose steps end when the test says so. */
function reading() {
  const begun: { topicId: string; end: (looked: number) => void; fail: (why: string) => void }[] =
    []
  const told: (number | string)[] = []
  const reader = new TailReader({
    tail: {
      next: ({ topicId }) =>
        new Promise<TailStep>((resolve, reject) => {
          begun.push({
            topicId,
            end: (looked) => resolve({ rows: [], looked, missed: 0 }),
            fail: (why) => reject(new Error(why)),
          })
        }),
    },
    onStep: ({ looked }) => told.push(looked),
    onError: (error) => told.push((error as Error).message),
  })
  const steps = () => begun.map(({ topicId }) => topicId)
  return { reader, begun, told, steps }
}

/** Told apart by their ids. */
function state(topicId: string): TopicState {
  return { topicId } as TopicState
}

test('what arrives while a step is under way is read when it ends, and only the newest of it', async () => {
  const { reader, begun, told, steps } = reading()
  reader.update(state('a'))
  reader.update(state('b'))
  reader.update(state('c'))
  expect(steps()).toEqual(['a'])
  begun[0]?.end(1)
  await vi.waitFor(() => expect(steps()).toEqual(['a', 'c']))
  begun[1]?.end(2)
  await vi.waitFor(() => expect(told).toEqual([1, 2]))
  reader.update(state('d'))
  expect(steps()).toEqual(['a', 'c', 'd'])
})

test('after an error it tries again, though nothing new comes', async () => {
  const { reader, begun, told, steps } = reading()
  reader.update(state('a'))
  begun[0]?.fail('not now')
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
  expect(told).toEqual(['not now'])
  vi.advanceTimersByTime(RETRY_DELAY_MS)
  expect(steps()).toEqual(['a', 'a'])
  begun[1]?.fail('still not')
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
  // A state that comes sooner is read at once, and then there is nothing to try again.
  reader.update(state('b'))
  expect(steps()).toEqual(['a', 'a', 'b'])
  expect(vi.getTimerCount()).toBe(0)
})

test('does not try again what does not exist any more', async () => {
  const { reader, begun, told, steps } = reading()
  reader.update(state('a'))
  reader.update(undefined)
  begun[0]?.fail('no such topic')
  await vi.waitFor(() => expect(told).toEqual(['no such topic']))
  vi.advanceTimersByTime(RETRY_DELAY_MS)
  expect(steps()).toEqual(['a'])
})

test('when it is stopped, nothing is told or tried any more', async () => {
  const ended = reading()
  ended.reader.update(state('a'))
  ended.reader.stop()
  ended.begun[0]?.end(1)
  const waiting = reading()
  waiting.reader.update(state('a'))
  waiting.begun[0]?.fail('not now')
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
  waiting.reader.stop()
  expect(vi.getTimerCount()).toBe(0)
  waiting.reader.update(state('b'))
  expect(waiting.steps()).toEqual(['a'])
  expect(ended.told).toEqual([])
})
