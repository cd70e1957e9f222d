import { rebalancesSince, workingTabs } from '../conditions.js'
import type { Scenario, Seen } from '../scenario.js'

/** Another tab has begun another life, and works again. */
function wasReloaded({ now, since, demo }: Seen): boolean {
  return workingTabs(now).some(({ report, name }) => {
    const before = since.tabs.find((card) => card.name.text === name.text)?.report
    const isOther = name.number !== demo.identity.number
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
        'See it first as it is by default: two tabs, members *dynamic*.',
      ],
      actions: [
        { label: 'Open a tab', run: ({ actions }) => actions.openTabs(1) },
        { label: 'Make members dynamic', run: ({ demo }) => demo.membership.set('dynamic') },
      ],
      isDone: ({ now, demo }) =>
        workingTabs(now).length >= 2 && demo.membership.value === 'dynamic',
      waitingFor: 'Waiting for two tabs with partitions, and dynamic members.',
      done: 'Each has its part.',
    },
    {
      title: 'A reload moves everything twice',
      text: [
        'Reload the other tab, and watch the rebalances: its partitions go to this tab, and back again a moment later.',
      ],
      actions: [{ label: 'Reload the other tab', run: ({ demo }) => demo.reloadAnotherTab() }],
      isDone: (seen) => wasReloaded(seen) && rebalancesSince(seen).length > 0,
      waitingFor: 'Waiting for a reloaded tab that has partitions again.',
      done: 'Two rebalances for one reload, with handlers that stop, commit and start again.',
    },
    {
      title: 'A name that stays',
      text: [
        'With a `groupInstanceId` a member is *static*: the broker keeps its place for as long as its session lasts, ten seconds here, and gives it to whoever comes back under that name. The tabs of this page take their number for it, which a lock makes sure that no other tab has.',
        'Switch all tabs to static members. They join again for it.',
      ],
      actions: [{ label: 'Make members static', run: ({ demo }) => demo.membership.set('static') }],
      isDone: ({ now, demo }) =>
        demo.membership.value === 'static' &&
        workingTabs(now).length >= 2 &&
        now.state?.groups.some(
          ({ groupId, members }) =>
            groupId === 'workers' &&
            members.every(({ groupInstanceId }) => groupInstanceId !== undefined),
        ) === true,
      waitingFor: 'Waiting until all members have a name that stays.',
      done: 'All members are static.',
    },
    {
      title: 'A reload moves nothing',
      text: [
        'Reload the other tab again. Its partitions wait for it, and no other tab hears of it.',
        'The price: a tab that closes for good keeps its partitions waiting until its session is over.',
      ],
      actions: [{ label: 'Reload the other tab', run: ({ demo }) => demo.reloadAnotherTab() }],
      isDone: (seen) => wasReloaded(seen),
      waitingFor: 'Waiting for a reloaded tab that has partitions again.',
      done: 'It is back, with what it had, and there is no new entry among the rebalances.',
    },
    {
      title: 'As it was',
      text: ['Make the members dynamic again, or leave them as they are: it is a matter of taste.'],
      actions: [
        { label: 'Make members dynamic', run: ({ demo }) => demo.membership.set('dynamic') },
      ],
      isDone: () => true,
      waitingFor: '',
      done: 'This setting holds for all tabs of this page.',
    },
  ],
}
