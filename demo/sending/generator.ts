/**
 * Sends messages at a given rate, from one to fifty thousand a second. Where that is more than can be
 * sent, it sends what can be, and does not save up the rest. The beat comes from a worker's timer, so a
 * hidden tab keeps the rate.
 */
import { TabmqError } from '../../src/index.js'
import { Cell } from '../app/cell.js'
import type { WorkTimer } from '../worker/work-timer.js'
import type { MessageSender, MessageToSend } from './message-sender.js'

export interface GeneratorOptions {
  readonly sender: MessageSender
  readonly timer: WorkTimer
  readonly onError: (error: unknown) => void
}

export const RATE_MAX = 50_000
const TICK_MS = 40
/** From so many a second on, fewer and larger sends: each is written down by itself, and so is what of it
 * is handled. */
const FAST_RATE = 2_000
const FAST_TICK_MS = 100
const SENDS_UNDER_WAY_MAX = 4
/** So much may be caught up. */
const DEBT_MS_MAX = 250
const SENSORS = 200

export class Generator {
  readonly isOn = new Cell(false)
  /** Messages a second. */
  readonly rate = new Cell(100)
  readonly #options: GeneratorOptions
  /** The run that sends: one that was stopped may still wait for its timer when the next one begins. */
  #run: object | undefined
  #underWay = 0
  #number = 0

  constructor(options: GeneratorOptions) {
    this.#options = options
  }

  setRate(perSecond: number): void {
    this.rate.set(Math.min(RATE_MAX, Math.max(1, Math.round(perSecond))))
  }

  toggle(): void {
    if (this.isOn.value) this.stop()
    else void this.#start()
  }

  stop(): void {
    this.#run = undefined
    this.isOn.set(false)
  }

  async #start(): Promise<void> {
    const run = {}
    this.#run = run
    this.isOn.set(true)
    let sentUpToMs = performance.now()
    while (this.#run === run) {
      const nowMs = performance.now()
      sentUpToMs = Math.max(sentUpToMs, nowMs - DEBT_MS_MAX)
      const due = Math.floor(((nowMs - sentUpToMs) * this.rate.value) / 1_000)
      if (due > 0 && this.#underWay < SENDS_UNDER_WAY_MAX) {
        sentUpToMs += (due * 1_000) / this.rate.value
        void this.#send(due)
      }
      await this.#options.timer.wait(this.rate.value < FAST_RATE ? TICK_MS : FAST_TICK_MS)
    }
  }

  async #send(count: number): Promise<void> {
    this.#underWay += 1
    try {
      await this.#options.sender.send(Array.from({ length: count }, () => this.#next()))
    } catch (error) {
      // The topic was cleared meanwhile: the next ones go to the new one, as soon as there is one.
      if (error instanceof TabmqError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION') return
      this.stop()
      this.#options.onError(error)
    } finally {
      this.#underWay -= 1
    }
  }

  /** Readings of some sensors: the key is the sensor, so that each one's stay in order. */
  #next(): MessageToSend {
    const number = this.#number++
    const sensor = `sensor-${number % SENSORS}`
    const reading = Math.round(Math.sin(number / 5_000) * 1_000) / 50
    return { key: sensor, value: { sensor, number, reading } }
  }
}
