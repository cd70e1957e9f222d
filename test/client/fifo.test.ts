import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fifo } from '../../src/client/producer/fifo.js'

test('gives back what was put in, in order, whenever it is taken', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (steps) => {
      const fifo = new Fifo<number>()
      const model: number[] = []
      for (const [step, isPush] of steps.entries()) {
        if (isPush) {
          fifo.push(step)
          model.push(step)
        } else {
          expect(fifo.shift()).toBe(model.shift())
        }
        expect(fifo.first).toBe(model[0])
      }
    }),
  )
})
