/**
 * Bad input over a real port: each gets its typed error with the offending value named, changes
 * nothing, and leaves broker and connection working.
 */
import { expect, test, type Page } from '@playwright/test'
import { openTab } from './tabs.js'

interface Case {
  readonly what: string
  readonly code: string
  /** What the error's message must name. */
  readonly names: string
  readonly call: () => Promise<unknown>
}

/** Run inside the page, so they may use nothing but `tab`. */
const CASES: readonly Case[] = [
  {
    what: 'an unknown topic',
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
    names: 'ordres',
    call: () => tab.send('ordres', [{ value: 1 }]),
  },
  {
    what: 'a partition out of range',
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
    names: '7',
    call: () => tab.send('orders', [{ partition: 7, value: 1 }]),
  },
  {
    what: 'a message over the limit',
    code: 'MESSAGE_TOO_LARGE',
    names: '2000',
    call: () => tab.send('orders', [{ value: 'x'.repeat(3_000) }]),
  },
  {
    what: 'a value that cannot be encoded',
    code: 'SERIALIZATION_FAILED',
    names: 'function',
    call: () => tab.send('orders', [{ value: { callback: () => 1 } }]),
  },
  {
    what: 'a DOM node as value',
    code: 'SERIALIZATION_FAILED',
    names: 'value',
    call: () => tab.send('orders', [{ value: document.body }]),
  },
  {
    what: 'a bad topic name',
    code: 'INVALID_TOPIC_EXCEPTION',
    names: 'no/slash',
    call: () => tab.admin.createTopics({ topics: [{ topic: 'no/slash' }] }),
  },
  {
    what: 'a bad group name',
    code: 'INVALID_GROUP_ID',
    names: '""',
    call: async () => tab.mq.consumer({ groupId: '' }),
  },
  {
    what: 'an option out of range',
    code: 'INVALID_CONFIG',
    names: 'sessionTimeoutMs',
    call: async () => tab.mq.consumer({ groupId: 'g', sessionTimeoutMs: 1 }),
  },
  {
    what: 'a misspelt option',
    code: 'INVALID_CONFIG',
    names: 'lingerMS',
    call: async () => tab.mq.producer(JSON.parse('{"lingerMS":5}') as object),
  },
  {
    what: 'more partitions than there may be',
    code: 'INVALID_PARTITIONS',
    names: '1025',
    call: () => tab.admin.createTopics({ topics: [{ topic: 'many', numPartitions: 1_025 }] }),
  },
  {
    what: 'a config that does not exist',
    code: 'INVALID_CONFIG',
    names: 'retention',
    call: () =>
      tab.admin.createTopics({
        topics: [{ topic: 'c', config: JSON.parse('{"retention":1}') as object }],
      }),
  },
  {
    what: 'a topic that exists already',
    code: 'TOPIC_ALREADY_EXISTS',
    names: 'orders',
    call: () => tab.admin.createTopics({ topics: [{ topic: 'orders' }] }),
  },
  {
    what: 'a commit beyond the log end',
    code: 'OFFSET_OUT_OF_RANGE',
    names: '99',
    call: () =>
      tab.admin.setOffsets({
        groupId: 'g',
        topic: 'orders',
        partitions: [{ partition: 0, offset: 99 }],
      }),
  },
  {
    what: 'a group that does not exist',
    code: 'GROUP_ID_NOT_FOUND',
    names: 'nobody',
    call: () => tab.admin.describeGroups(['nobody']),
  },
]

test('bad input is refused with a typed error that names it, and changes nothing', async ({
  context,
}) => {
  const page = await openTab(context, 'bad-input')
  await page.evaluate(async () => {
    const config = { maxMessageBytes: 2_000 }
    await tab.admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 3, config }] })
    await tab.send('orders', [{ partition: 0, value: 'good' }])
  })
  const before = await stateOf(page)
  for (const { what, code, names, call } of CASES) {
    await test.step(what, async () => {
      const error = await page.evaluate(`tab.errorOf(${String(call)})`)
      expect(error).toMatchObject({ code })
      expect((error as { message: string }).message).toContain(names)
    })
  }
  expect(await stateOf(page)).toEqual(before)
  const sent = await page.evaluate(() =>
    tab.send('orders', [{ partition: 0, value: 'still good' }]),
  )
  expect(sent).toMatchObject([{ partition: 0, baseOffset: 1 }])
})

test('malformed requests on the port itself are refused, and the broker lives on', async ({
  context,
}) => {
  const page = await openTab(context, 'malformed')
  const replies = await page.evaluate(() =>
    tab.sendRaw([
      undefined,
      7,
      { api: 'nothing' },
      { api: 'produce', acks: 5, batches: [] },
      { api: 'produce', acks: 1, batches: [{ partitionId: 1, batch: 'text' }] },
      { api: 'fetch', fetcherId: 'f', partitions: [{ partitionId: -1 }] },
      { api: 'groupHeartbeat', groupId: 'g', member: { memberId: '', memberEpoch: 0 } },
      { api: 'createTopics', topics: [{}] },
    ]),
  )
  for (const reply of replies) {
    expect(reply).toMatchObject({ ok: false })
    expect(reply).not.toMatchObject({ error: { code: 'UNKNOWN_SERVER_ERROR' } })
  }
  expect(await page.evaluate(() => tab.admin.listTopics())).toEqual([])
})

async function stateOf(page: Page): Promise<unknown> {
  return page.evaluate(async () => ({
    topics: await tab.admin.fetchTopicMetadata(),
    offsets: await tab.admin.fetchTopicOffsets('orders'),
    groups: await tab.admin.listGroups(),
  }))
}
