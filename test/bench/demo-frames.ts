/**
 * What it costs to look: the demo as it is built, in a real Chromium, with many messages a second through
 * one tab that sends, handles and shows them. Frames a second, long tasks, and how soon the broker
 * acknowledges a single message, without and with four more tabs that watch it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from '@playwright/test'
import { build, preview } from 'vite'
import { findChromium } from '../../scripts/find-chromium.mjs'
import type { Tabmq } from '../../src/index.js'
import { ROOT } from '../built-site.js'

const MEASURED_MS = 8_000
const SETTLING_MS = 3_000
const WATCHERS = 4
const ACKS = 200
const FRAMES_TO_REACH = 50

export interface DemoFramesOptions {
  /** Messages a second. */
  readonly rate: number
  readonly say: (text: string) => void
}

/** @returns whether there were enough frames */
export async function measureDemo({ rate, say }: DemoFramesOptions): Promise<boolean> {
  const outDir = mkdtempSync(join(tmpdir(), 'tabmq-frames-'))
  const config = { root: ROOT, logLevel: 'error' } as const
  await build({ ...config, build: { outDir, emptyOutDir: true } })
  const server = await preview({ ...config, build: { outDir }, preview: { port: 5_310 } })
  const address = server.resolvedUrls?.local[0] ?? ''
  const executablePath = findChromium()
  const found = executablePath === undefined ? {} : { executablePath }
  const browser = await chromium.launch({ ...found, chromiumSandbox: false })
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    const page = await openStage(context, address)
    await page.getByLabel('Work per message').fill('0')
    await page.getByLabel('Messages a second, as a number').fill(String(rate))
    say(`at rest: ${describe(await measureFrames(page))}`)
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await page.waitForTimeout(SETTLING_MS)
    const underLoad = await measureFrames(page)
    say(`at ${rate} messages a second: ${describe(underLoad)}`)
    say(`  ${await rates(page)}`)
    say(`acknowledged after ${await acknowledgement(page)} ms, watched by one tab`)
    for (let count = 0; count < WATCHERS; count++) {
      const watcher = await openStage(context, address)
      await watcher.getByRole('button', { name: 'Stop the worker' }).click()
    }
    await page.bringToFront()
    await page.waitForTimeout(SETTLING_MS)
    say(`acknowledged after ${await acknowledgement(page)} ms, watched by ${WATCHERS + 1}`)
    say(`  ${await rates(page)}`)
    const isReached = underLoad.framesPerSecond >= FRAMES_TO_REACH
    say(`${FRAMES_TO_REACH} frames a second: ${isReached ? 'reached' : 'not reached'}`)
    return isReached
  } finally {
    await browser.close()
    await server.close()
    rmSync(outDir, { recursive: true, force: true })
  }
}

async function openStage(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(address)
  await page.locator('#tab-state[data-state=idle], #tab-state[data-state=working]').waitFor()
  return page
}

interface Frames {
  readonly framesPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly longTasks: number
  readonly longestTaskMs: number
}

function measureFrames(page: Page): Promise<Frames> {
  return page.evaluate(async (forMs) => {
    const longTasksMs: number[] = []
    const observer = new PerformanceObserver((list) => {
      longTasksMs.push(...list.getEntries().map(({ duration }) => duration))
    })
    // Node's types do not know it.
    observer.observe({ entryTypes: ['longtask'] as never })
    const framesMs: number[] = []
    const startMs = performance.now()
    await new Promise((resolve) => {
      let lastMs = startMs
      const onFrame = (nowMs: number) => {
        framesMs.push(nowMs - lastMs)
        lastMs = nowMs
        if (nowMs - startMs < forMs) requestAnimationFrame(onFrame)
        else resolve(undefined)
      }
      requestAnimationFrame(onFrame)
    })
    observer.disconnect()
    framesMs.sort((a, b) => a - b)
    const at = (part: number) => framesMs[Math.floor((framesMs.length - 1) * part)] ?? 0
    return {
      framesPerSecond: (framesMs.length * 1_000) / (performance.now() - startMs),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      longTasks: longTasksMs.length,
      longestTaskMs: Math.max(0, ...longTasksMs),
    }
  }, MEASURED_MS)
}

function describe({ framesPerSecond, p50Ms, p99Ms, longTasks, longestTaskMs }: Frames): string {
  const frames = `${framesPerSecond.toFixed(1)} frames a second`
  const times = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`
  const longest = longTasks === 0 ? '' : `, the longest ${longestTaskMs.toFixed(0)} ms`
  return `${frames} (${times}), ${longTasks} long tasks${longest}`
}

/** The median of single messages to a topic of their own, in ms. */
async function acknowledgement(page: Page): Promise<string> {
  const median = await page.evaluate(async (count) => {
    const mq: Tabmq = Reflect.get(globalThis, 'tabmq')
    await mq.admin().createTopics({ topics: [{ topic: 'probe' }], ifNotExists: true })
    const producer = mq.producer()
    const timesMs: number[] = []
    for (let sent = 0; sent < count; sent++) {
      const startMs = performance.now()
      await producer.send({ topic: 'probe', messages: [{ value: sent }] })
      timesMs.push(performance.now() - startMs)
    }
    timesMs.sort((a, b) => a - b)
    return timesMs[Math.floor(count / 2)] ?? 0
  }, ACKS)
  return median.toFixed(1)
}

async function rates(page: Page): Promise<string> {
  const [sent, handled, lag] = await Promise.all(
    ['#rate-sent', '#rate-handled', '#lag-now'].map((id) => page.locator(id).textContent()),
  )
  return `sent ${sent ?? ''} a second, handled ${handled ?? ''}, lag ${lag ?? ''}`
}
