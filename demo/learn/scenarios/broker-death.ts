import { handledSince, isAllHandled, sentSince } from '../conditions.js'
import { anotherIncarnation, atWork, flow, noFault, toBegin } from '../needs.js'
import type { Scenario } from '../scenario.js'
import { killBroker, startFlow, stopFlow } from '../step-actions.js'

const RATE = 300

const start = startFlow(RATE, { workMs: 0 })

export const brokerDeath: Scenario = {
  id: 'broker-death',
  title: 'The broker dies',
  summary: 'Its worker ends in the middle of everything. The next one goes on from the disk.',
  steps: [
    {
      title: 'Under load',
      text: [
        'The broker is one *SharedWorker* for all tabs of this page. The browser may end it: when memory is short, or by a fault. Let three hundred messages a second flow.',
      ],
      shows: ['broker'],
      needs: [atWork],
      actions: [start],
      isDone: (seen) => seen.now.isFlowing && sentSince(seen) > RATE,
      waitingFor: 'Waiting for messages.',
      done: 'Remember the incarnation that the panel *Broker* shows.',
    },
    {
      title: 'Kill it',
      text: [
        'This ends the worker at once, with whatever it had in hand. No tab is told: they notice by its lock. The first to notice starts the next one, which loads what is on the disk; the tabs join their group again, and what was not acknowledged is sent again, once.',
      ],
      shows: ['broker', 'charts'],
      needs: [atWork, flow(RATE, start)],
      actions: [killBroker],
      isDone: (seen) => {
        const before = seen.since.view?.broker.incarnation
        const after = seen.now.view?.broker.incarnation
        return before !== undefined && after !== before && handledSince(seen) > RATE
      },
      waitingFor: 'Waiting for another incarnation, and for messages that are handled by it.',
      done: 'There is a new incarnation, and its epoch is one higher. The gap in the charts is all that there was to see.',
    },
    {
      title: 'What it did to the messages',
      text: [
        'Stop the flow, let the rest be handled, and look at the checker. What a `send` had promised is on the disk; what it had not was sent again under its old number, and stored once. Handlers that had finished and not committed in that moment may have run twice: the checker counts them, and says why.',
        'Before you stop, kill it as often as you like; each time the epoch goes up. A worker that only hangs is deposed by the next one, and can write no more should it wake.',
      ],
      shows: ['checker', 'broker'],
      needs: [noFault, atWork, toBegin(flow(RATE, start)), anotherIncarnation],
      actions: [killBroker, stopFlow],
      isDone: isAllHandled,
      waitingFor: 'Waiting until nobody sends and nothing waits.',
      done: 'Nothing is lost.',
    },
  ],
}
