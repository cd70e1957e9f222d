/** Messages at a rate, with a clock that the test moves. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Generator } from '../../demo/sending/generator.js'
import type { MessageSender } from '../../demo/sending/message-sender.js'
import type { WorkTimer } from '../../demo/worker/work-timer.js'

let sent: number
let generator: Generator

beforeEach(() => {
  vi.useFakeTimers()
  sent = 0
  const sender = {
    send: (messages: readonly unknown[]) => {
      sent += messages.length
      return Promise.resolve([])
    },
  } as unknown as MessageSender
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  generator = new Generator({
    sender,
    timer: { wait } as unknown as WorkTimer,
    onError: (error) => {
      throw error
    },
  })
})
afterEach(() => {
  generator.stop()
  vi.runAllTimers()
  vi.useRealTimers()
})

/** In five seconds. */
async function rateSeen(): Promise<number> {
  const before = sent
  await vi.advanceTimersByTimeAsync(5_000)
  return (sent - before) / 5
}

it('sends as many a second as it is set to', async () => {
  generator.setRate(100)
  generator.toggle()
  expect(await rateSeen()).toBeCloseTo(100, -1)
  generator.setRate(10_000)
  expect(await rateSeen()).toBeCloseTo(10_000, -3)
})

it('keeps its rate when it is stopped and started again between two ticks', async () => {
  generator.setRate(100)
  for (let press = 0; press < 11; press++) generator.toggle()
  expect(generator.isOn.value).toBe(true)
  expect(await rateSeen()).toBeCloseTo(100, -1)
  for (let press = 0; press < 3; press++) generator.toggle()
  expect(generator.isOn.value).toBe(false)
  await vi.advanceTimersByTimeAsync(100)
  expect(await rateSeen()).toBe(0)
})
