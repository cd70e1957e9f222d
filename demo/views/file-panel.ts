/**
 * Sending files: chosen, dropped anywhere on the page, or the sample. A file of one's own is looked
 * at first, so that its key can be chosen; the sample's is known.
 */
import { byId, create } from '../dom.js'
import { describeKind } from '../files/file-kind.js'
import type { KeyChoice } from '../files/key-column.js'
import { previewFile, type FilePreview } from '../files/read-file.js'
import { formatBytes, formatQuantity } from '../format.js'
import type { Messages } from '../messages.js'
import { sendFile, type FileProgress, type FileResult } from '../sending/file-sender.js'
import type { MessageSender } from '../sending/message-sender.js'
import { describeFileFailure, describeProblems } from './file-report.js'
import { watchDrops } from './drop-zone.js'

export interface FilePanelOptions {
  readonly sender: MessageSender
  readonly messages: Messages
}

interface Chosen {
  readonly file: File
  readonly preview: FilePreview
}

const BY_LINE = 'line'
const BY_NONE = 'none'
const BY_COLUMN = 'column:'

export class FilePanel {
  readonly #options: FilePanelOptions
  readonly #chooseFile = byId('choose-file', HTMLButtonElement)
  readonly #form = byId('file-form', HTMLFormElement)
  readonly #name = byId('file-name', HTMLElement)
  readonly #key = byId('file-key', HTMLSelectElement)
  readonly #progress = byId('file-progress', HTMLElement)
  readonly #bar = byId('file-bar', HTMLProgressElement)
  readonly #status = byId('file-status', HTMLElement)
  readonly #stop = byId('file-stop', HTMLButtonElement)
  #chosen: Chosen | undefined
  #sending: AbortController | undefined

  constructor(options: FilePanelOptions) {
    this.#options = options
    const input = byId('file', HTMLInputElement)
    this.#chooseFile.addEventListener('click', () => input.click())
    input.addEventListener('change', () => {
      const [file] = input.files ?? []
      input.value = ''
      if (file !== undefined) void this.choose(file)
    })
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      if (this.#chosen !== undefined) void this.send(this.#chosen, choiceOf(this.#key.value))
    })
    byId('file-cancel', HTMLButtonElement).addEventListener('click', () => {
      this.#forget()
      this.#chooseFile.focus()
    })
    this.#stop.addEventListener('click', () => this.#sending?.abort())
    watchDrops((files) => {
      const [file] = files
      if (file !== undefined) void this.choose(file)
      if (files.length > 1)
        options.messages.say('file', 'info', 'One file at a time: the first was taken.')
    })
  }

  /** Looks at a file and asks for its key. */
  async choose(file: File): Promise<void> {
    this.#forget()
    this.#options.messages.forget('file')
    this.#progress.hidden = this.#sending === undefined
    try {
      const preview = await previewFile(file, file.name)
      this.#chosen = { file, preview }
      this.#name.textContent = `${file.name}: ${describeKind(preview.kind)}, ${formatBytes(file.size)}`
      this.#key.replaceChildren(...keyOptions(preview))
      this.#form.hidden = false
      this.#key.focus()
    } catch (error) {
      this.#options.messages.say('file', 'problem', describeFileFailure(file.name, error))
    }
  }

  async send({ file, preview }: Chosen, key: KeyChoice): Promise<void> {
    const { messages, sender } = this.#options
    if (this.#sending !== undefined) {
      messages.say(
        'file under way',
        'info',
        'A file is being sent. Please wait for it, or stop it.',
      )
      return
    }
    const isFromForm = this.#form.contains(document.activeElement)
    this.#forget()
    messages.forget('file')
    messages.forget('clear')
    const sending = new AbortController()
    this.#sending = sending
    this.#showProgress(file.name, { rowsSent: 0, bytesRead: 0, bytes: file.size })
    if (isFromForm) this.#stop.focus()
    try {
      const result = await sendFile(
        sender,
        { file, kind: preview.kind, key },
        {
          signal: sending.signal,
          onProgress: (progress) => this.#showProgress(file.name, progress),
        },
      )
      this.#showResult(file.name, result)
    } catch (error) {
      this.#status.textContent = `${file.name} was not sent to its end.`
      messages.say('file', 'problem', describeFileFailure(file.name, error))
    } finally {
      this.#sending = undefined
      messages.forget('file under way')
      const hadFocus = document.activeElement === this.#stop
      this.#stop.hidden = true
      if (hadFocus) this.#chooseFile.focus()
    }
  }

  #showProgress(name: string, { rowsSent, bytesRead, bytes }: FileProgress): void {
    this.#progress.hidden = false
    this.#stop.hidden = false
    this.#bar.value = bytes === 0 ? 0 : bytesRead / bytes
    this.#status.textContent = `Sending ${name}: ${formatQuantity(rowsSent, 'row')} so far.`
  }

  #showResult(name: string, result: FileResult): void {
    const how = result.wasStopped ? 'Stopped' : 'Done'
    this.#status.textContent = `${how}: ${formatQuantity(result.rowsSent, 'row')} of ${name} sent.`
    const problems = describeProblems(name, result)
    if (problems !== undefined) this.#options.messages.say('file', 'problem', problems)
  }

  #forget(): void {
    this.#chosen = undefined
    this.#form.hidden = true
  }
}

function keyOptions({ columns, keyColumn }: FilePreview): HTMLOptionElement[] {
  const options = columns.map((column) => option(BY_COLUMN + column, column, column === keyColumn))
  if (columns.length === 0) options.push(option(BY_LINE, 'the line itself', true))
  options.push(option(BY_NONE, 'none: spread the rows evenly', false))
  return options
}

function option(value: string, text: string, isChosen: boolean): HTMLOptionElement {
  const element = create('option', { text, attributes: { value } })
  element.selected = isChosen
  return element
}

function choiceOf(value: string): KeyChoice {
  if (value === BY_LINE) return { by: 'line' }
  if (!value.startsWith(BY_COLUMN)) return { by: 'none' }
  return { by: 'column', column: value.slice(BY_COLUMN.length) }
}
