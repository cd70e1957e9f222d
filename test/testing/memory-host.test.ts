/** The way between a client and the in-memory broker: what crosses it is copied, as over a port. */
import { expect, test } from 'vitest'
import type { PushPort } from '../../src/broker/ports.js'
import type { Broker } from '../../src/broker/runtime/broker.js'
import type { SessionId } from '../../src/protocol/names.js'
import type { Push } from '../../src/protocol/push.js'
import type { Request, WireReply } from '../../src/protocol/requests/request.js'
import { MemoryHost } from '../../src/testing/memory-host.js'

/** A transport to a broker that keeps what it is asked, and whose one reply is given. */
async function transportTo(reply: WireReply) {
  const asked: unknown[] = []
  const ports: PushPort[] = []
  const broker = {
    incarnation: 'a',
    connect: (_hello: unknown, port: PushPort) => {
      ports.push(port)
      return { incarnation: 'a', brokerEpoch: 1, databaseId: 'memory' }
    },
    handle: (_sessionId: SessionId, request: unknown) => {
      asked.push(request)
      return Promise.resolve(reply)
    },
  }
  const pushed: Push[] = []
  const host = new MemoryHost({
    current: () => Promise.resolve(broker as unknown as Broker),
    onGone: () => () => {},
  })
  const transport = await host.openTransport({
    onPush: (message) => pushed.push(message) > 0,
    onLost: () => {},
  })
  await transport.hello({ protocolVersion: 1, sessionId: 's' as SessionId, clientId: 'c' })
  return { transport, asked, pushed, push: (message: Push) => ports[0]?.push(message) }
}

test('the broker gets a copy of what is asked, and the tab one of the answer', async () => {
  const reply: WireReply = { incarnation: 'a', ok: true, value: { groups: [] } }
  const { transport, asked } = await transportTo(reply)
  const request: Request = { api: 'describeGroups', groupIds: [] }
  const answer = await transport.request(request)
  expect(asked).toEqual([request])
  expect(asked[0]).not.toBe(request)
  expect(answer).toEqual(reply)
  expect(answer).not.toBe(reply)
})

test('the tab gets a copy of what is pushed, and nothing once it has closed', async () => {
  const { transport, pushed, push } = await transportTo({ incarnation: 'a', ok: true, value: {} })
  const message: Push = { push: 'topicsChanged' }
  await push(message)
  expect(pushed).toEqual([message])
  expect(pushed[0]).not.toBe(message)
  transport.close()
  await push(message)
  expect(pushed).toHaveLength(1)
})
