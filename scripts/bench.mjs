/**
 * How fast it is, in a real Chromium: `npm run bench`. Prints the median, the slowest and the fastest
 * of some rounds. Everything is measured in one run, in turn: machines differ, and differ from one
 * minute to the next, so only figures of one run can be compared.
 *
 *   --rounds N   (5)
 */
import { parseArgs } from 'node:util'
import { chromium } from '@playwright/test'
import { createServer } from 'vite'
import { findChromium } from './find-chromium.mjs'
import { root } from './run.mjs'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
const rounds = Number(values.rounds)
const LOADS = [
  { messages: 20_000, valueBytes: 100 },
  { messages: 20_000, valueBytes: 1_000 },
  { messages: 200, valueBytes: 100_000 },
]

const server = await createServer({ root, mode: 'browser-test', logLevel: 'error' })
await server.listen()
const address = server.resolvedUrls?.local[0]
const executablePath = findChromium()
const browser = await chromium.launch({
  ...(executablePath !== undefined && { executablePath }),
  chromiumSandbox: false,
})
try {
  const page = await browser.newPage()
  await page.goto(`${address}test/bench/throughput.html`)
  await page.waitForFunction('globalThis.bench !== undefined')
  for (const load of LOADS) {
    /** @type {Record<string, number[]>} */
    const rates = {}
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      /** @type {Record<string, number>} */
      const measured = await page.evaluate(`bench.round(${round}, ${JSON.stringify(load)})`)
      if (round === 0) continue
      for (const [what, rate] of Object.entries(measured)) (rates[what] ??= []).push(rate)
    }
    console.log(`\n${load.messages} messages of ${load.valueBytes} bytes, messages per second`)
    for (const [what, all] of Object.entries(rates)) {
      const sorted = all
        .toSorted((a, b) => a - b)
        .map((rate) => Math.round(rate).toLocaleString('en'))
      const median = sorted[Math.floor(sorted.length / 2)]
      console.log(
        `  ${what.padEnd(10)} ${String(median).padStart(10)}   (${sorted[0]} to ${sorted.at(-1)})`,
      )
    }
  }
} finally {
  await browser.close()
  await server.close()
}
