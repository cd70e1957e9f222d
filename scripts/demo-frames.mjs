/**
 * Measures how smooth the demo is, and what it costs the broker to be watched: `npm run demo:frames`. Ten
 * thousand messages a second, or as many as are given: `npm run demo:frames -- 50000`.
 */
import { join } from 'node:path'
import { runnerImport } from 'vite'
import { root } from './run.mjs'

/**
 * What is used of test/bench/demo-frames.ts, whose own types need the browser's.
 * @typedef {{ measureDemo: (options: { rate: number, say: (text: string) => void }) => Promise<boolean> }} DemoFrames
 * @type {{ module: DemoFrames }}
 */
const { module } = await runnerImport(join(root, 'test/bench/demo-frames.ts'), {
  root,
  configFile: false,
  logLevel: 'error',
})

const rate = Number(process.argv[2] ?? '10000')
const isSmooth = await module.measureDemo({ rate, say: (text) => console.log(text) })
if (!isSmooth) process.exitCode = 1
