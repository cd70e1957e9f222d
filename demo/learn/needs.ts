/** What steps may need, each with the button that brings it about. */
import { SECOND_GROUP } from '../names.js'
import {
  isFailing,
  isFaultless,
  isGroupEmpty,
  isQuiet,
  lagOf,
  membershipOf,
  outboxOf,
  waiting,
  workingTabs,
} from './conditions.js'
import {
  clearTopic,
  closeATab,
  connectLine,
  cutLine,
  killBroker,
  makeMembers,
  openATab,
  saveOrders,
  sendFlights,
  sendPoison,
  setAside,
  startAll,
  startFlow,
  startSecondGroup,
  stopAll,
  stopFlow,
} from './step-actions.js'
import type { Need, StepAction } from './scenario.js'

/** A need that the step itself ends. */
export function toBegin(need: Need): Need {
  return { ...need, isToBegin: true }
}

export const atWork: Need = {
  isMet: ({ now }) => now.worker.isStarted,
  missing: 'The worker of this tab is stopped.',
  action: startAll,
}

export const onlyThisTab: Need = {
  isMet: ({ now }) => workingTabs(now).every(({ name }) => name.number === now.tab),
  missing:
    'Other tabs are at work, and this begins with one. Close the others; those that you have opened by hand, only you can close.',
  action: closeATab,
}

export const anotherTab: Need = {
  isMet: ({ now }) => workingTabs(now).length >= 2,
  missing: 'This takes two tabs with partitions, and there is one.',
  action: openATab,
}

export const seenRebalance: Need = {
  isMet: ({ now }) => now.rebalances.some(({ tookMs }) => tookMs !== undefined),
  missing: 'This page has not seen a rebalance yet. One more tab makes one.',
  action: openATab,
}

/** Messages from this tab, at a rate. */
export function flow(perSecond: number, action: StepAction = startFlow(perSecond)): Need {
  return {
    isMet: ({ now }) => now.isFlowing,
    missing: 'No messages flow from this tab. (A flow ends when its page is reloaded.)',
    action,
  }
}

export const quiet: Need = {
  isMet: ({ now }) => isQuiet(now),
  missing: 'Messages flow, and one would not tell them apart.',
  action: stopFlow,
}

/** Something is on its way: a flow, or what is left of one. */
export function somethingToCatchUp(action: StepAction): Need {
  return {
    isMet: ({ now }) => now.isFlowing || waiting(now) > 0,
    missing: 'Nothing flows, and nothing waits.',
    action,
  }
}

export const noFault: Need = {
  isMet: ({ now }) => now.verdict === undefined || isFaultless(now),
  missing: 'The checker has found a fault, and keeps it until the topic is cleared.',
  action: clearTopic,
}

/** Of the demo's topic. */
export function records(action: StepAction): Need {
  return {
    isMet: ({ now }) => (now.view?.partitions ?? []).some(({ start, end }) => end > start),
    missing: 'The logs are empty.',
    action,
  }
}

/** It cannot be done here: the step that does it is another. */
export function aCrash(action: StepAction): Need {
  return {
    isMet: ({ now }) => (now.verdict?.crashes ?? 0) > 0,
    missing: 'No tab has crashed yet: that is the step before this one.',
    action,
  }
}

export const anotherIncarnation: Need = {
  isMet: ({ now, begun }) => now.view?.broker.incarnation !== begun.view?.broker.incarnation,
  missing: 'The broker has not died since this was opened.',
  action: killBroker,
}

export const secondGroup: Need = {
  isMet: ({ now }) => now.isSecondOn,
  missing: 'The second group does not run in this tab. (It ends when its page is reloaded.)',
  action: startSecondGroup,
}

/** So much is left to read that one sees it being read. */
const UNREAD_LEAST = 500

export const unreadForSecondGroup: Need = {
  isMet: ({ now }) => lagOf(now, SECOND_GROUP) >= UNREAD_LEAST,
  missing: 'The second group has nothing more to read.',
  action: sendFlights,
}

export const workersStopped: Need = {
  isMet: ({ now }) => isGroupEmpty(now),
  missing: 'The workers of the first group are not stopped.',
  action: stopAll,
}

export const unreadForWorkers: Need = {
  isMet: ({ now }) => lagOf(now) > 0,
  missing: 'Nothing waits for the first group.',
  action: sendFlights,
}

export const failing: Need = {
  isMet: ({ now }) => isFailing(now),
  missing: 'No handler fails now.',
  action: sendPoison,
}

export const notFailing: Need = {
  isMet: ({ now }) => !isFailing(now),
  missing: 'A message from before holds up its partition.',
  action: setAside,
}

export function members(wanted: 'dynamic' | 'static'): Need {
  return {
    isMet: ({ now }) => now.membership === wanted && membershipOf(now) === wanted,
    missing: `The members are not all ${wanted}.`,
    action: makeMembers(wanted),
  }
}

export const online: Need = {
  isMet: ({ now }) => now.isOnline,
  missing: 'There is no network: the line is cut, or the browser says so.',
  action: connectLine,
}

export const offlineNow: Need = {
  isMet: ({ now }) => !now.isOnline,
  missing: 'The line is not cut.',
  action: cutLine,
}

export const ordersWait: Need = {
  isMet: ({ now }) => outboxOf(now).waiting > 0,
  missing: 'No orders wait.',
  action: saveOrders,
}
