/** What the page's buttons do, and what is said when it fails. */
import { fetchSample, SAMPLE_KEY } from '../sample.js'
import { AllWorkers } from './all-workers.js'
import type { Demo } from './demo.js'

export class Actions {
  readonly #demo: Demo
  readonly #allWorkers: AllWorkers

  constructor(demo: Demo) {
    this.#demo = demo
    this.#allWorkers = new AllWorkers((wish) => {
      void (wish === 'start' ? this.startWorker() : this.stopWorker())
    })
    demo.topic.onClearedElsewhere((tab) => {
      demo.messages.forget('replay')
      demo.messages.say('clear', 'info', `Tab ${tab} cleared the topic.`)
    })
  }

  openTab(): void {
    const { messages } = this.#demo
    messages.forget('new tab')
    const opened = window.open(location.href, '_blank')
    if (opened !== null) {
      opened.opener = null
      return
    }
    const text =
      'The browser blocked the new tab. Please allow pop-ups for this page, or open its address by hand.'
    messages.say('new tab', 'problem', text)
  }

  startWorker(): Promise<void> {
    const { messages, worker } = this.#demo
    messages.forget('replay')
    return messages.attempt('worker', 'The worker did not start', () => worker.start())
  }

  stopWorker(): Promise<void> {
    const { messages, worker } = this.#demo
    return messages.attempt('worker', 'The worker did not stop', () => worker.stop())
  }

  startAll(): void {
    this.#allWorkers.ask('start')
  }

  stopAll(): void {
    this.#allWorkers.ask('stop')
  }

  async clear(): Promise<void> {
    const { messages, topic } = this.#demo
    messages.forget('replay')
    await messages.attempt('clear', 'The topic was not cleared', () => topic.clear())
  }

  async replay(): Promise<void> {
    const { messages, news, topic } = this.#demo
    await messages.attempt('replay', 'The replay did not begin', async () => {
      await topic.replay(await news.topicId())
      const text = 'The group is back at the beginning. Start the workers to replay.'
      messages.say('replay', 'info', text)
    })
  }

  async sendSample(): Promise<void> {
    const { files, messages } = this.#demo
    await messages.attempt('file', 'The sample was not sent', async () => {
      const file = await fetchSample()
      const preview = { kind: 'csv', columns: [], keyColumn: SAMPLE_KEY } as const
      await files.send({ file, preview }, { by: 'column', column: SAMPLE_KEY })
    })
  }
}
