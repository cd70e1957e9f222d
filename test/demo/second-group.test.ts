/** The second group as a reader starts and stops it, faster than it can. */
import { expect, test } from 'vitest'
import { TOPIC } from '../../demo/names.js'
import { SecondGroup } from '../../demo/worker/second-group.js'
import { inContext } from '../client/client-context.js'

test(
  'who stops it while it starts, and starts it again, has it on',
  inContext(async (context) => {
    await context.done(context.admin.createTopics({ topics: [{ topic: TOPIC }] }))
    const { mq } = context.tab()
    const timer = { wait: () => Promise.resolve() }
    const group = new SecondGroup({ mq, timer })
    const first = group.start()
    const stopped = group.stop()
    const second = group.start()
    await context.done(Promise.all([first, stopped, second]))
    expect(group.isOn.value).toBe(true)
    await context.done(group.stop())
    expect(group.isOn.value).toBe(false)
  }),
)
