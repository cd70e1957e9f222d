import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeadlineQueue } from '../../src/std/deadline-queue.js'

describe('deadline queue', () => {
  it('gives out what is due, earliest first, and keeps the rest', () => {
    const queue = new DeadlineQueue<string>()
    queue.set('late', 30)
    queue.set('early', 10)
    queue.set('middle', 20)
    expect(queue.nextMs()).toBe(10)
    expect(queue.takeDue(20)).toEqual(['early', 'middle'])
    expect(queue.nextMs()).toBe(30)
    expect(queue.size).toBe(1)
  })

  it('gives out what is due at the same time in the order in which it was set', () => {
    const queue = new DeadlineQueue<string>()
    for (const key of ['c', 'a', 'b']) queue.set(key, 5)
    expect(queue.takeDue(5)).toEqual(['c', 'a', 'b'])
  })

  it('replaces a deadline, be the new one earlier or later', () => {
    const queue = new DeadlineQueue<string>()
    queue.set('a', 10)
    queue.set('b', 20)
    queue.set('a', 30)
    queue.set('b', 5)
    expect(queue.takeDue(29)).toEqual(['b'])
    expect(queue.takeDue(30)).toEqual(['a'])
  })

  it('forgets what was deleted, and takes it again', () => {
    const queue = new DeadlineQueue<string>()
    queue.set('a', 10)
    queue.delete('a')
    expect(queue.nextMs()).toBeUndefined()
    queue.set('a', 20)
    expect(queue.takeDue(15)).toEqual([])
    expect(queue.takeDue(20)).toEqual(['a'])
  })

  it('is due when a key was set again to the deadline that it had before', () => {
    const queue = new DeadlineQueue<string>()
    queue.set('a', 10)
    queue.set('a', 20)
    queue.set('a', 10)
    expect(queue.takeDue(10)).toEqual(['a'])
    expect(queue.takeDue(100)).toEqual([])
  })

  it('behaves as a sorted list of the keys with their latest deadlines', () => {
    const key = fc.integer({ min: 0, max: 30 })
    const dueMs = fc.integer({ min: 0, max: 50 })
    const operation = fc.oneof(
      { weight: 6, arbitrary: fc.record({ set: key, dueMs }) },
      { weight: 2, arbitrary: fc.record({ remove: key }) },
      { weight: 1, arbitrary: fc.record({ takeUntilMs: dueMs }) },
    )
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400, size: 'max' }), (operations) => {
        const queue = new DeadlineQueue<number>()
        const model = new SortedDeadlines()
        for (const step of operations) {
          if ('set' in step) {
            queue.set(step.set, step.dueMs)
            model.set(step.set, step.dueMs)
          } else if ('remove' in step) {
            queue.delete(step.remove)
            model.delete(step.remove)
          } else {
            expect(queue.takeDue(step.takeUntilMs)).toEqual(model.takeDue(step.takeUntilMs))
          }
          expect(queue.size).toBe(model.entries.length)
          expect(queue.nextMs()).toBe(model.entries[0]?.dueMs)
        }
      }),
      { numRuns: 60 },
    )
  })
})

/** The same, by sorting. A deadline that is set again to what it is keeps its turn. */
class SortedDeadlines {
  entries: { key: number; dueMs: number; turn: number }[] = []
  #turns = 0

  set(key: number, dueMs: number): void {
    if (this.entries.some((entry) => entry.key === key && entry.dueMs === dueMs)) return
    this.delete(key)
    this.entries.push({ key, dueMs, turn: this.#turns++ })
    this.entries.sort((a, b) => a.dueMs - b.dueMs || a.turn - b.turn)
  }

  delete(key: number): void {
    this.entries = this.entries.filter((entry) => entry.key !== key)
  }

  takeDue(nowMs: number): number[] {
    const due = this.entries.filter((entry) => entry.dueMs <= nowMs)
    this.entries = this.entries.filter((entry) => entry.dueMs > nowMs)
    return due.map((entry) => entry.key)
  }
}
