/** The buttons of lessons. What they do is done for real. */
import { formatQuantity } from '../format.js'
import { noteDeed } from './before-lesson.js'
import type { StepAction } from './scenario.js'

export const ORDERS = 10

export const openATab: StepAction = {
  label: 'Open a tab',
  run: ({ actions }) => actions.openTabs(1),
}

export const closeATab: StepAction = {
  label: 'Close a tab',
  run: ({ actions }) => actions.closeTab(),
}

export const reloadAnotherTab: StepAction = {
  label: 'Reload the other tab',
  run: ({ demo }) => demo.reloadAnotherTab(),
}

/** @param workMs how long each message is to take; as it is when it is not given */
export function startFlow(
  perSecond: number,
  { label = 'Start the flow', workMs }: { label?: string; workMs?: number } = {},
): StepAction {
  return {
    label,
    run: ({ demo }) => {
      if (workMs !== undefined) demo.workMs.set(workMs)
      demo.generator.setRate(perSecond)
      if (!demo.generator.isOn.value) demo.generator.toggle()
    },
  }
}

/** In all tabs. */
export const stopFlow: StepAction = {
  label: 'Stop the flow',
  run: ({ actions }) => actions.stopFlows(),
}

export const sendFlights: StepAction = {
  label: 'Send 2,000 flights',
  run: ({ actions }) => actions.sendDataSetById('flights'),
}

export const sendPoison: StepAction = {
  label: 'Send a poison message',
  run: ({ actions, demo }) => {
    noteDeed('poison sent')
    // One that is set aside at once holds up nothing.
    demo.setAside.policy.set('retry')
    return actions.sendPoison()
  },
}

export const setAside: StepAction = {
  label: 'Set it aside',
  run: ({ demo }) => demo.setAside.policy.set('set aside'),
}

export const clearTopic: StepAction = {
  label: 'Clear the topic',
  run: ({ actions }) => actions.clear(),
}

export const killBroker: StepAction = {
  label: 'Kill the broker',
  run: ({ actions }) => actions.killBroker(),
}

export const startAll: StepAction = {
  label: 'Start all workers',
  run: ({ actions }) => actions.startAll(),
}

export const stopAll: StepAction = {
  label: 'Stop all workers',
  run: ({ actions }) => {
    noteDeed('workers stopped')
    actions.stopAll()
  },
}

export const startSecondGroup: StepAction = {
  label: 'Start the second group',
  run: async ({ actions, demo }) => {
    if (!demo.secondGroup.isOn.value) await actions.toggleSecondGroup()
  },
}

export function makeMembers(wanted: 'dynamic' | 'static'): StepAction {
  return { label: `Make members ${wanted}`, run: ({ demo }) => demo.membership.set(wanted) }
}

export const cutLine: StepAction = {
  label: 'Cut the line',
  run: ({ demo }) => demo.outbox.line.set('cut'),
}

export const connectLine: StepAction = {
  label: 'Connect the line',
  run: ({ demo }) => demo.outbox.line.set('connected'),
}

export const saveOrders: StepAction = {
  label: `Save ${formatQuantity(ORDERS, 'order')}`,
  run: ({ demo }) => demo.outbox.save(ORDERS),
}

export function goToStep(scenario: string, step: number, label: string): StepAction {
  return { label, run: ({ router }) => router.replace({ face: 'learn', scenario, step }) }
}
