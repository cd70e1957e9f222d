import {
  handledSince,
  membershipOf,
  ownersOf,
  rebalancesSince,
  workingTabs,
} from '../conditions.js'
import { anotherTab, atWork, flow, members, toBegin } from '../needs.js'
import type { Scenario, Seen } from '../scenario.js'
import { makeMembers, openATab, reloadAnotherTab, startFlow } from '../step-actions.js'

const RATE = 100

/** Another tab has begun another life, and works again. */
function wasReloaded({ now, since }: Seen): boolean {
  return workingTabs(now).some(({ report, name }) => {
    const before = since.tabs.find((card) => card.name.text === name.text)?.report
    const isOther = name.number !== now.tab
    return isOther && before !== undefined && report !== undefined && before.run !== report.run
  })
}

export const staticMembers: Scenario = {
  id: 'static-members',
  title: 'Static members and a reload',
  summary: 'A reloaded tab gets its own partitions back, and nothing moves.',
  steps: [
    {
      title: 'Two dynamic members',
      text: [
        'A member of a group is known by an id that it gets when it joins. A tab that is reloaded joins again, with another id: for the group, one member has left and a new one has come.',
        'See it first as it is by default: two tabs, members *dynamic*, and messages that flow.',
      ],
      shows: ['tabs', 'logs'],
      needs: [atWork, members('dynamic')],
      actions: [openATab, startFlow(RATE)],
      isDone: (seen) => workingTabs(seen.now).length >= 2 && handledSince(seen) > RATE,
      waitingFor: 'Waiting for two tabs with partitions, and for messages.',
      done: 'Each has its part, and works on it.',
    },
    {
      title: 'A reload moves everything twice',
      text: [
        'Reload the other tab, and watch the rebalances: its partitions go to this tab, and back again a moment later.',
      ],
      shows: ['rebalances', 'logs'],
      needs: [atWork, members('dynamic'), anotherTab, flow(RATE)],
      actions: [reloadAnotherTab],
      isDone: (seen) => wasReloaded(seen) && rebalancesSince(seen).length > 0,
      waitingFor: 'Waiting for a reloaded tab that has partitions again.',
      done: 'One reload has moved partitions away and back, with handlers that stop, commit and start again.',
    },
    {
      title: 'A name that stays',
      text: [
        'With a `groupInstanceId` a member is *static*: the broker keeps its place for as long as its session lasts, ten seconds here, and gives it to whoever comes back under that name. The tabs of this page take their number for it, which a lock makes sure that no other tab has.',
        'Switch all tabs to static members. They join again for it.',
      ],
      shows: ['group', 'tabs'],
      needs: [atWork, anotherTab, flow(RATE)],
      actions: [makeMembers('static')],
      isDone: (seen) =>
        seen.now.membership === 'static' &&
        membershipOf(seen.now) === 'static' &&
        workingTabs(seen.now).length >= 2 &&
        handledSince(seen) > 0,
      waitingFor: 'Waiting until all members have a name that stays.',
      done: 'All members are static.',
    },
    {
      title: 'A reload moves nothing',
      text: [
        'Reload the other tab again. Its partitions wait for it, with what flows into them meanwhile; no other tab hears of it, and there is no new entry among the rebalances.',
        'The price: a tab that closes for good keeps its partitions waiting until its session is over.',
      ],
      shows: ['logs', 'rebalances'],
      needs: [atWork, members('static'), anotherTab, flow(RATE)],
      actions: [reloadAnotherTab],
      isDone: (seen) =>
        wasReloaded(seen) && ownersOf(seen.now) === ownersOf(seen.since) && handledSince(seen) > 0,
      waitingFor: 'Waiting for a reloaded tab that has its partitions again.',
      done: 'It is back, with what it had, and catches up.',
    },
    {
      title: 'The price',
      text: [
        'Make the members dynamic again, and you see it. They join under new ids, while the places of the static ones are kept until their sessions are over. So for ten seconds nothing is handled, and the lag grows; then the new members get the partitions.',
      ],
      shows: ['charts', 'tabs'],
      needs: [atWork, toBegin(members('static')), flow(RATE)],
      actions: [makeMembers('dynamic')],
      isDone: (seen) =>
        seen.now.membership === 'dynamic' &&
        membershipOf(seen.now) === 'dynamic' &&
        seen.now.view?.broker.groupState === 'stable' &&
        workingTabs(seen.now).length > 0 &&
        handledSince(seen) > RATE,
      waitingFor: 'Waiting for the old sessions to end, ten seconds, and for work to go on.',
      done: 'The new members have the partitions and go on from the last commit: it took time, and lost nothing.',
    },
  ],
}
