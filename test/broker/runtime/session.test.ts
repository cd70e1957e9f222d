import { describe, expect, it } from 'vitest'
import { SessionShare } from '../../../src/broker/runtime/session-share.js'
import { Session } from '../../../src/broker/runtime/session.js'
import { BROKER_LIMITS } from '../../../src/protocol/limits.js'
import { FakeTime } from '../fake-time.js'
import type { SessionId } from '../../../src/protocol/names.js'

/** A tab that takes a push when the test says so. */
class Tab {
  readonly pushes: string[] = []
  #take = () => {}
  readonly session = new Session({
    sessionId: 's' as SessionId,
    clientId: 'tab',
    nowMs: 0,
    limits: BROKER_LIMITS,
    share: new SessionShare({
      limits: BROKER_LIMITS,
      clock: new FakeTime(),
      timer: new FakeTime(),
    }),
    port: {
      push: ({ push }) => {
        this.pushes.push(push)
        return new Promise((resolve) => {
          this.#take = resolve
        })
      },
    },
  })

  async take(): Promise<void> {
    this.#take()
    await Promise.resolve()
    await Promise.resolve()
    await Promise.resolve()
  }
}

describe('news for a tab', () => {
  it('wait while it is frozen, and are told once for all of them', async () => {
    const tab = new Tab()
    for (let times = 0; times < 100; times++) tab.session.announce('topicsChanged')
    expect(tab.pushes).toEqual(['topicsChanged'])
    await tab.take()
    expect(tab.pushes).toEqual(['topicsChanged', 'topicsChanged'])
    await tab.take()
    expect(tab.pushes).toHaveLength(2)
    tab.session.announce('topicsChanged')
    expect(tab.pushes).toHaveLength(3)
  })

  it('of one kind do not wait for another', () => {
    const tab = new Tab()
    tab.session.announce('topicsChanged')
    tab.session.announce('rejoin')
    expect(tab.pushes).toEqual(['topicsChanged', 'rejoin'])
  })
})
