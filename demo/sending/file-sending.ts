/**
 * The file that a reader sends: first looked at, so that its key can be chosen, then sent row by row,
 * one file at a time.
 */
import { Cell } from '../app/cell.js'
import type { Messages } from '../app/messages.js'
import type { KeyChoice } from '../files/key-column.js'
import { previewFile, type FilePreview } from '../files/read-file.js'
import { formatQuantity } from '../format.js'
import { describeFileFailure, describeProblems } from './file-report.js'
import { sendFile, type FileProgress, type FileResult } from './file-sender.js'
import type { MessageSender } from './message-sender.js'

export interface ChosenFile {
  readonly file: File
  readonly preview: FilePreview
}

/** The file that is being sent, or was sent last. */
export interface FileStatus {
  readonly text: string
  /** From 0 to 1. */
  readonly done: number
  readonly isUnderWay: boolean
}

export class FileSending {
  readonly chosen = new Cell<ChosenFile | undefined>(undefined)
  readonly status = new Cell<FileStatus | undefined>(undefined)
  readonly #sender: MessageSender
  readonly #messages: Messages
  /** The look at a file that counts: the last one. */
  #look: object | undefined
  #sending: AbortController | undefined

  constructor({ sender, messages }: { sender: MessageSender; messages: Messages }) {
    this.#sender = sender
    this.#messages = messages
  }

  /** Looks at a file, for its key to be chosen. */
  async choose(file: File): Promise<void> {
    this.forget()
    this.#messages.forget('file')
    if (this.#sending === undefined) this.status.set(undefined)
    const look = {}
    this.#look = look
    try {
      const preview = await previewFile(file, file.name)
      if (this.#look === look) this.chosen.set({ file, preview })
    } catch (error) {
      if (this.#look !== look) return
      this.#messages.say('file', 'problem', describeFileFailure(file.name, error))
    }
  }

  forget(): void {
    this.#look = undefined
    this.chosen.set(undefined)
  }

  async send({ file, preview }: ChosenFile, key: KeyChoice): Promise<void> {
    const messages = this.#messages
    if (this.#sending !== undefined) {
      const text = 'A file is being sent. Please wait for it, or stop it.'
      messages.say('file under way', 'info', text)
      return
    }
    // A data set leaves the reader's own file as it is.
    if (this.chosen.value?.file === file) this.forget()
    messages.forget('file')
    messages.forget('clear')
    const sending = new AbortController()
    this.#sending = sending
    const onProgress = (progress: FileProgress) => this.#showProgress(file.name, progress)
    onProgress({ rowsSent: 0, bytesRead: 0, bytes: file.size })
    try {
      const wish = { file, kind: preview.kind, key }
      const result = await sendFile(this.#sender, wish, { signal: sending.signal, onProgress })
      this.#showResult(file.name, result)
    } catch (error) {
      this.#showEnd(`${file.name} was not sent to its end.`)
      messages.say('file', 'problem', describeFileFailure(file.name, error))
    } finally {
      this.#sending = undefined
      messages.forget('file under way')
    }
  }

  stop(): void {
    this.#sending?.abort()
  }

  #showProgress(name: string, { rowsSent, bytesRead, bytes }: FileProgress): void {
    const text = `Sending ${name}: ${formatQuantity(rowsSent, 'row')} so far.`
    this.status.set({ text, done: bytes === 0 ? 0 : bytesRead / bytes, isUnderWay: true })
  }

  #showResult(name: string, result: FileResult): void {
    const how = result.wasStopped ? 'Stopped' : 'Done'
    this.#showEnd(`${how}: ${formatQuantity(result.rowsSent, 'row')} of ${name} sent.`)
    const problems = describeProblems(name, result)
    if (problems !== undefined) this.#messages.say('file', 'problem', problems)
  }

  #showEnd(text: string): void {
    const done = this.status.value?.done ?? 0
    this.status.set({ text, done, isUnderWay: false })
  }
}
