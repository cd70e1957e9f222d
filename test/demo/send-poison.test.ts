/** The button that sends a message which no handler gets over. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Actions } from '../../demo/app/actions.js'
import { Cell } from '../../demo/app/cell.js'
import type { Demo } from '../../demo/app/demo.js'
import { Messages } from '../../demo/app/messages.js'
import { UnderWay } from '../../demo/app/under-way.js'
import { POISON_HEADER } from '../../demo/names.js'
import type { MessageToSend } from '../../demo/sending/message-sender.js'

let sent: MessageToSend[]
let messages: Messages
let policy: Cell<string>
let actions: Actions

beforeEach(() => {
  vi.stubGlobal('BroadcastChannel', EventTarget)
  vi.stubGlobal('addEventListener', () => {})
  sent = []
  messages = new Messages(() => false)
  policy = new Cell('retry')
  const send = (wishes: readonly MessageToSend[]) => {
    sent.push(...wishes)
    return Promise.resolve([])
  }
  const demo = {
    messages,
    underWay: new UnderWay(),
    sender: { send },
    setAside: { policy },
    topic: { onClearedElsewhere: () => {} },
  }
  actions = new Actions(demo as unknown as Demo)
})
afterEach(() => vi.unstubAllGlobals())

it('sends one, of which there is nothing to say where it is tried again and again', async () => {
  await actions.sendPoison()
  expect(sent).toMatchObject([{ key: 'poison', headers: { [POISON_HEADER]: 'yes' } }])
  expect(messages.shown.value).toEqual([])
})

it('leaves it to the reader to have it set aside, and says that it is', async () => {
  policy.set('set aside')
  await actions.sendPoison()
  expect(sent).toHaveLength(1)
  expect(policy.value).toBe('set aside')
  expect(messages.shown.value).toMatchObject([
    { tone: 'info', text: expect.stringMatching(/^The poison message goes to rows\.dead/) },
  ])
})
