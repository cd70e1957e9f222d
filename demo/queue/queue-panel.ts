/** The queue's panel: adds jobs, works on them, shows who has what, and sends dead letters back. */
import type { Admin, ClusterState, Producer, Tabmq } from '../../src/index.js'
import { byId, create, KeyedList, setAttribute, setText } from '../dom.js'
import { formatCount, formatQuantity } from '../format.js'
import type { Messages } from '../messages.js'
import { DEAD_JOBS, JOBS } from '../names.js'
import { markWithTab, showTabLabel } from '../views/tab-label.js'
import { JobWorker, type Job } from './job-worker.js'
import { queueStateOf, type JobsInHand } from './queue-state.js'

const JOBS_AT_ONCE = 20
const JOB_MS_MAX = 2_000

export interface QueuePanelOptions {
  readonly mq: Tabmq
  readonly admin: Admin
  readonly producer: Producer
  readonly messages: Messages
}

export class QueuePanel {
  readonly #options: QueuePanelOptions
  readonly #worker: JobWorker
  readonly #work = byId('job-work', HTMLButtonElement)
  readonly #redrive = byId('job-redrive', HTMLButtonElement)
  readonly #waiting = byId('job-waiting', HTMLElement)
  readonly #delayed = byId('job-delayed', HTMLElement)
  readonly #done = byId('job-done', HTMLElement)
  readonly #releases = byId('job-releases', HTMLElement)
  readonly #dead = byId('job-dead', HTMLElement)
  readonly #empty = byId('job-tabs-empty', HTMLElement)
  readonly #tabs = new KeyedList<string, TabItem>(
    byId('job-tabs', HTMLUListElement),
    () => new TabItem(),
  )

  constructor(options: QueuePanelOptions) {
    this.#options = options
    this.#worker = new JobWorker({
      mq: options.mq,
      onChange: () => this.#showWorker(),
      onError: (error) => options.messages.fail('queue', 'A job could not be worked on', error),
    })
    this.#on('job-add', 'The jobs were not added', () => this.#add(JOBS_AT_ONCE, false))
    this.#on('job-poison', 'The job was not added', () => this.#add(1, true))
    this.#on('job-work', 'The worker did not start', () =>
      this.#worker.isStarted ? this.#worker.stop() : this.#start(),
    )
    this.#on('job-redrive', 'The dead letters were not sent back', () => this.#sendBack())
  }

  update(state: ClusterState): void {
    const queue = queueStateOf(state)
    setText(this.#waiting, formatCount(queue.waiting))
    setText(this.#delayed, formatCount(queue.delayed))
    setText(this.#done, formatCount(queue.done))
    setText(this.#releases, formatCount(queue.releases))
    setText(this.#dead, formatCount(queue.deadLetters))
    this.#redrive.disabled = queue.deadLetters === 0
    this.#empty.hidden = queue.inHand.length > 0
    const items = this.#tabs.update(queue.inHand.map(({ tab }) => tab.text))
    items.forEach((item, index) => {
      const inHand = queue.inHand[index]
      if (inHand !== undefined) item.update(inHand)
    })
  }

  #showWorker(): void {
    const { isStarted } = this.#worker
    setText(this.#work, isStarted ? 'Stop working on jobs' : 'Work on jobs in this tab')
    setAttribute(this.#work, 'aria-pressed', String(isStarted))
  }

  async #start(): Promise<void> {
    await this.#ensureTopic()
    await this.#worker.start()
  }

  async #add(count: number, isPoison: boolean): Promise<void> {
    await this.#ensureTopic()
    const jobs = Array.from({ length: count }, (): Job => {
      return { takesMs: Math.round(Math.random() * JOB_MS_MAX), isPoison }
    })
    const messages = jobs.map((value) => ({ value }))
    await this.#options.producer.send({ topic: JOBS, messages })
  }

  async #sendBack(): Promise<void> {
    const { admin, messages } = this.#options
    const count = await admin.redrive({ from: DEAD_JOBS })
    messages.say('queue', 'info', `${formatQuantity(count, 'dead letter')} sent back to the queue.`)
  }

  async #ensureTopic(): Promise<void> {
    await this.#options.admin.createTopics({ topics: [{ topic: JOBS }], ifNotExists: true })
  }

  #on(id: string, failure: string, act: () => Promise<void>): void {
    const { messages } = this.#options
    byId(id, HTMLButtonElement).addEventListener('click', () => {
      messages.forget('queue')
      act().catch((error: unknown) => messages.fail('queue', failure, error))
    })
  }
}

class TabItem {
  readonly root: HTMLLIElement
  readonly #name = create('h4', { class: 'tab-label' })
  readonly #jobs = create('p', { class: 'hint' })

  constructor() {
    this.root = create('li', { class: 'tab' }, this.#name, this.#jobs)
  }

  update({ tab, jobs, deliveryCount }: JobsInHand): void {
    showTabLabel(this.#name, tab)
    markWithTab(this.root, tab)
    const tries = deliveryCount > 1 ? `, one of them for the ${ordinal(deliveryCount)} time` : ''
    setText(
      this.#jobs,
      jobs === 0 ? 'has nothing to do' : `${formatQuantity(jobs, 'job')} in hand${tries}`,
    )
  }
}

function ordinal(count: number): string {
  return ['', 'first', 'second', 'third', 'fourth', 'fifth'][count] ?? `${count}th`
}
