/** The DevTools protocol over two pipes, with a browser that the test plays. */
import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { DevTools } from './dev-tools.js'

interface Command {
  readonly id: number
  readonly method: string
  readonly sessionId?: string
}

function connected() {
  const write = new PassThrough()
  const read = new PassThrough()
  const events: string[] = []
  const devTools = new DevTools({ write, read }, (method) => events.push(method))
  const commands = () =>
    String(write.read() ?? '')
      .split('\0')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text) as Command)
  const say = async (...messages: unknown[]) => {
    read.write(messages.map((message) => `${JSON.stringify(message)}\0`).join(''))
    await setImmediate()
  }
  return { devTools, read, events, commands, say }
}

test('answers find their commands, in whatever order and pieces they come', async () => {
  const { devTools, read, commands } = connected()
  const first = devTools.send('Target.getTargets')
  const second = devTools.send('Browser.getVersion')
  const [one, two] = commands()
  const text = `${JSON.stringify({ id: two?.id, result: { product: 'p' } })}\0`
  read.write(text.slice(0, 10))
  read.write(`${text.slice(10)}${JSON.stringify({ id: one?.id, result: { targetInfos: [] } })}\0`)
  expect(await first).toEqual({ targetInfos: [] })
  expect(await second).toEqual({ product: 'p' })
})

test('an error is the command’s, with its name', async () => {
  const { devTools, commands, say } = connected()
  const sent = devTools.session('s').send('Page.reload')
  const [command] = commands()
  expect(command?.sessionId).toBe('s')
  void say({ id: command?.id, error: { message: 'no' } })
  await expect(sent).rejects.toThrow('Page.reload: no')
})

test('what a page owes an answer to fails when the page ends, and nothing else', async () => {
  const { devTools, commands, say } = connected()
  const ofPage = devTools.session('s').send('Page.reload')
  const ofBrowser = devTools.send('Browser.getVersion')
  devTools.sessionEnded('s')
  await expect(ofPage).rejects.toThrow('the page is gone')
  void say({ id: commands()[1]?.id, result: {} })
  expect(await ofBrowser).toEqual({})
})

test('a browser that is gone fails what waits and what comes', async () => {
  const { devTools, read } = connected()
  const sent = devTools.send('Target.getTargets')
  read.destroy()
  await expect(sent).rejects.toThrow('the browser is gone')
  await expect(devTools.send('Target.getTargets')).rejects.toThrow('the browser is gone')
})

test('events are told as they come', async () => {
  const { events, say } = connected()
  await say({ method: 'Target.targetCreated', params: {} }, { method: 'Target.targetCrashed' })
  expect(events).toEqual(['Target.targetCreated', 'Target.targetCrashed'])
})
