/** The buttons that are not part of a form: what each does, and what is said when it fails. */
import { TabmqError } from '../src/index.js'
import { AllWorkers } from './all-workers.js'
import { byId } from './dom.js'
import type { Messages, Subject } from './messages.js'
import { fetchSample, SAMPLE_KEY } from './sample.js'
import type { Topic } from './topic.js'
import type { TopicNews } from './topic-news.js'
import type { FilePanel } from './views/file-panel.js'
import type { TabWorker } from './worker/tab-worker.js'

export interface ControlsOptions {
  readonly worker: TabWorker
  readonly topic: Topic
  readonly news: TopicNews
  readonly files: FilePanel
  readonly messages: Messages
}

export class Controls {
  readonly #options: ControlsOptions

  constructor(options: ControlsOptions) {
    this.#options = options
    const { worker, topic } = options
    const allWorkers = new AllWorkers((wish) => {
      void (wish === 'start' ? this.#startWorker() : this.#stopWorker())
    })
    onClick('open-tab', () => this.#openTab())
    onClick('load-sample', () => this.#sendSample())
    onClick('pause', () => worker.setPaused(!worker.status(0).isPaused))
    onClick('stop', () => (worker.status(0).isStarted ? this.#stopWorker() : this.#startWorker()))
    onClick('skip', () => worker.setSkipNext(!worker.status(0).skipsNext))
    onClick('stop-all', () => allWorkers.ask('stop'))
    onClick('start-all', () => allWorkers.ask('start'))
    onClick('clear', () => this.#clear())
    onClick('replay', () => this.#replay())
    topic.onClearedElsewhere((tab) => {
      options.messages.forget('replay')
      options.messages.say('clear', 'info', `Tab ${tab} cleared the topic.`)
    })
  }

  #startWorker(): Promise<void> {
    this.#options.messages.forget('replay')
    return this.#attempt('worker', 'The worker did not start', () => this.#options.worker.start())
  }

  #stopWorker(): Promise<void> {
    return this.#attempt('worker', 'The worker did not stop', () => this.#options.worker.stop())
  }

  async #clear(): Promise<void> {
    this.#options.messages.forget('replay')
    await this.#attempt('clear', 'The topic was not cleared', () => this.#options.topic.clear())
  }

  async #replay(): Promise<void> {
    const { messages, news, topic } = this.#options
    await this.#attempt('replay', 'The replay did not begin', async () => {
      await topic.replay(await news.topicId())
      const text = 'The group is back at the beginning. Start the workers to replay.'
      messages.say('replay', 'info', text)
    })
  }

  async #sendSample(): Promise<void> {
    await this.#attempt('file', 'The sample was not sent', async () => {
      const file = await fetchSample()
      const preview = { kind: 'csv', columns: [], keyColumn: SAMPLE_KEY } as const
      await this.#options.files.send({ file, preview }, { by: 'column', column: SAMPLE_KEY })
    })
  }

  #openTab(): void {
    const { messages } = this.#options
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

  async #attempt(about: Subject, failure: string, action: () => Promise<void>): Promise<void> {
    const { messages } = this.#options
    messages.forget(about)
    try {
      await action()
    } catch (error) {
      messages.fail(about, failure, error)
    }
  }
}

/** That the topic is cleared while a tab works on it is expected, and said by whoever clears it. */
export function reportWorkerError(
  messages: Messages,
  { error, willRetry }: { error: unknown; willRetry: boolean },
): void {
  const isCleared = error instanceof TabmqError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION'
  if (willRetry && isCleared) return
  const what = willRetry
    ? 'The worker of this tab met an error and tries again'
    : 'The worker of this tab has stopped'
  messages.fail('worker', what, error)
}

function onClick(id: string, action: () => unknown): void {
  byId(id, HTMLButtonElement).addEventListener('click', () => void action())
}
