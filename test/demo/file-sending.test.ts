/** The file that a reader has chosen: which one it is, and for how long. */
import { beforeEach, expect, it } from 'vitest'
import { Messages } from '../../demo/app/messages.js'
import { FileSending } from '../../demo/sending/file-sending.js'
import type { MessageSender, MessageToSend } from '../../demo/sending/message-sender.js'
import { deferred } from '../../src/std/deferred.js'

let sent: MessageToSend[]
let messages: Messages
let files: FileSending

beforeEach(() => {
  sent = []
  messages = new Messages(() => false)
  const sender = {
    send: (wishes: readonly MessageToSend[]) => {
      sent.push(...wishes)
      return Promise.resolve([])
    },
  } as unknown as MessageSender
  files = new FileSending({ sender, messages })
})

const small = new File(['a,b\n1,2\n'], 'small.csv')

/** One that cannot be read before it is told so. */
function slowFile(content: string, name: string) {
  const read = deferred<void>()
  class SlowFile extends File {
    override slice(...range: [number?, number?]): Blob {
      const slice = super.slice(...range)
      const bytes = () => read.promise.then(() => Blob.prototype.arrayBuffer.call(slice))
      return Object.assign(slice, { arrayBuffer: bytes })
    }
  }
  return { file: new SlowFile([content], name), letRead: () => read.resolve() }
}

it.each([
  ['can be sent', '[{"c":3}]'],
  ['cannot be sent', '\0'],
])('stays the last one that was chosen when one before it is read late and %s', async (_, text) => {
  const { file, letRead } = slowFile(text, 'slow.json')
  const choosing = files.choose(file)
  await files.choose(small)
  letRead()
  await choosing
  expect(files.chosen.value?.file).toBe(small)
  expect(messages.shown.value).toEqual([])
})

it('stays chosen while a data set is sent, and is let go when it is sent itself', async () => {
  await files.choose(small)
  const { chosen } = files
  const own = chosen.value
  const dataSet = new File(['name\nMars\n'], 'planets.csv')
  const preview = { kind: 'csv', columns: [], keyColumn: 'name' } as const
  await files.send({ file: dataSet, preview }, { by: 'column', column: 'name' })
  expect(sent).toEqual([{ key: 'Mars', value: { name: 'Mars' } }])
  expect(chosen.value).toBe(own)
  if (own !== undefined) await files.send(own, { by: 'none' })
  expect(sent).toHaveLength(2)
  expect(chosen.value).toBeUndefined()
})
