/** The demo page: draws itself at once, and begins to work as soon as it has a broker. */
import { render } from 'preact'
import { Actions } from './app/actions.js'
import { Cell } from './app/cell.js'
import { Demo } from './app/demo.js'
import { Messages } from './app/messages.js'
import { Router } from './app/route.js'
import { followTheme } from './app/theme.js'
import { whyThereIsNoBroker } from './app/no-broker.js'
import type { Parts } from './app/parts.js'
import { tabName } from './cluster/cluster-view.js'
import { Progress } from './learn/progress.js'
import { PutBack } from './learn/put-back.js'
import { App } from './shell/app.js'
import { clientIdOf } from './tab-identity.js'
import { readMark } from './tabs/open-tabs.js'

readMark()
const whyNot = new Cell<string | undefined>(undefined)
const router = new Router()
const theme = followTheme()
const parts = new Cell<Parts | undefined>(undefined)
const messages = new Messages((error) => {
  const reason = whyThereIsNoBroker(error)
  if (reason !== undefined) whyNot.set(reason)
  return reason !== undefined
})

const root = document.getElementById('app')
if (root === null) throw new Error('index.html has no element with the id app')
render(<App {...{ messages, parts, whyNot, router, theme }} />, root)
start().catch((error: unknown) => messages.fail('start', 'The demo did not start', error))

async function start(): Promise<void> {
  const demo = await Demo.prepare(messages)
  document.title = `${tabName(clientIdOf(demo.identity.number)).text} · tabmq demo`
  const actions = new Actions(demo)
  const putBack = new PutBack()
  const all = { demo, actions, router, theme, progress: new Progress(), putBack }
  parts.set(all)
  const route = router.route.value
  if (route.face !== 'learn' || route.scenario === undefined) putBack.tidy(all)
  // For the developer tools: `await tabmq.admin().listTopics()`.
  Reflect.set(globalThis, 'tabmq', demo.mq)
  await demo.begin()
}
