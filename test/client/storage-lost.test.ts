/** The data are deleted under a running broker, or while there is none: every tab is told, once. */
import { describe, expect, test } from 'vitest'
import { Connection } from '../../src/client/connection.js'
import { TabmqError } from '../../src/protocol/errors.js'
import type { TopicName } from '../../src/protocol/names.js'
import { codeOf, inContext, type Tab } from './client-context.js'

/** A connection of its own in a tab, and what it tells, in order. */
function connect(tab: Tab): { connection: Connection; told: string[] } {
  const connection = new Connection(tab, tab.name)
  const told: string[] = []
  connection.events.on('connected', () => told.push('connected'))
  connection.events.on('disconnected', () => told.push('disconnected'))
  connection.events.on('storageLost', ({ error }) => told.push(error.code))
  return { connection, told }
}

const LOST = ['connected', 'disconnected', 'STORAGE_LOST', 'connected']

describe('a connection', () => {
  test(
    'tells that the data are others, before it says that it is connected',
    inContext(async (context) => {
      const tabs = [context.tab(), context.tab()].map(connect)
      for (const { connection } of tabs) await connection.connect()
      await context.storageIsLost()
      await context.until(() => tabs.every(({ told }) => told.length >= 4))
      expect(tabs.map(({ told }) => told)).toEqual([LOST, LOST])
    }),
  )

  test(
    'tells it too when the worker died in between',
    inContext(async (context) => {
      const { connection, told } = connect(context.tab())
      await connection.connect()
      context.forbidBroker()
      context.kill()
      context.deleteData()
      await context.advance(5_000)
      context.allowBroker()
      await context.until(() => connection.isConnected)
      expect(told).toEqual(LOST)
    }),
  )

  test(
    'tells nothing of it when another broker has the same data',
    inContext(async (context) => {
      const { connection, told } = connect(context.tab())
      await connection.connect()
      context.kill()
      await context.until(() => connection.isConnected)
      expect(told).toEqual(['connected', 'disconnected', 'connected'])
    }),
  )

  test(
    'lets no call of before reach the data of after',
    inContext(async (context) => {
      const tab = context.tab()
      const { connection } = connect(tab)
      await connection.connect()
      context.forbidBroker()
      context.kill()
      const call = (isRepeatable: boolean) =>
        codeOf(connection.call({ api: 'listGroups' }, { isRepeatable }))
      const calls = [call(true), call(false)]
      context.deleteData()
      context.allowBroker()
      expect(await context.done(Promise.all(calls))).toEqual(['STORAGE_LOST', 'STORAGE_LOST'])
      expect(tab.requestsOf('listGroups')).toEqual([])
      expect(await connection.call({ api: 'listGroups' }, { isRepeatable: true })).toEqual({
        groups: [],
      })
    }),
  )

  test(
    'has calls that the broker was at reject with the same error',
    inContext(async (context) => {
      const { connection } = connect(context.tab())
      await connection.connect()
      const held = context.holdCommits()
      const creating = codeOf(createTopic(connection))
      await context.settle()
      await context.storageIsLost()
      held.release()
      expect(await context.done(creating)).toBe('STORAGE_LOST')
      expect(context.database.topics.size).toBe(0)
    }),
  )

  test(
    'finds the next broker though one that began on the lost data answers first',
    inContext(async (context) => {
      const { connection } = connect(context.tab())
      context.helloErrors.push(lostError())
      await context.done(connection.connect())
    }),
  )
})

function createTopic(connection: Connection) {
  const topics = [{ topic: 'orders' as TopicName, numPartitions: 1, config: {} }]
  const request = { api: 'createTopics', topics, ifNotExists: false, validateOnly: false } as const
  return connection.call(request, { isRepeatable: false })
}

function lostError(): TabmqError {
  return new TabmqError('STORAGE_LOST', 'the database was deleted')
}
