/**
 * Small histories made by hand, each with one thing that must not be, or one that only looks so. The
 * checkers of a chaos run that finds nothing have to be shown to be able to.
 */
import { describe, expect, test } from 'vitest'
import { PLACE, Story } from './story.js'

/** Two messages sent, stored, acknowledged, handled and committed. */
function good(): Story {
  return new Story()
    .sends(1, 2)
    .joins('a')
    .owns('a')
    .handles('a', 0)
    .handles('a', 1)
    .commits('a', 2)
    .hasOnDisk(2)
}

test('a history without a fault has no anomaly', () => {
  expect(good().anomalies()).toEqual([])
})

test.each<[string, string, string, (story: Story) => Story]>([
  [
    'a lost write',
    'lost-write durability',
    'is in no log',
    (story) => story.announces(3).acknowledges(3, 2),
  ],
  [
    'a duplicate',
    'duplicate',
    'was appended at',
    (story) => story.sends(3).stores(3).handles('a', 2).handles('a', 3),
  ],
  [
    'messages out of order',
    'producer-order',
    'comes after 4',
    (story) => story.announces(3).announces(4).stores(4, 3).handles('a', 2).handles('a', 3),
  ],
  [
    'an acknowledgement of another message’s offset',
    'inconsistent-offsets',
    'told 0@3',
    (story) =>
      story
        .announces(3)
        .announces(4)
        .stores(3, 4)
        .acknowledges(3, 3)
        .handles('a', 2)
        .handles('a', 3),
  ],
  [
    'a message of nobody',
    'inconsistent-offsets',
    'nobody sent',
    (story) => story.stores(9).handles('a', 2),
  ],
  [
    'a broker that gives less than there is',
    'aborted-read',
    'the broker gives',
    (story) => story.reads(1),
  ],
  [
    'a message that is not in the log',
    'aborted-read',
    'not on the disk',
    (story) => story.isGiven('a', 2, 3),
  ],
  [
    'another message than the one at that offset',
    'inconsistent-offsets non-monotonic-poll',
    'is in the log',
    (story) => story.isGiven('a', 1, 1),
  ],
  [
    'a skipped message',
    'poll-skip unseen-at-the-end',
    'before 2 was handled',
    (story) => story.sends(3, 4).isGiven('a', 3),
  ],
  [
    'a message that nobody handles',
    'unseen-at-the-end',
    'handled up to 2 of 3',
    (story) => story.sends(3),
  ],
  [
    'a committed offset that falls',
    'commit-regression commitment',
    'fell from 2 to 1',
    (story) => story.hasOnDisk(1),
  ],
  [
    'a commit of what nobody has handled',
    'unhandled-commit',
    'nobody has handled 2',
    (story) => story.sends(3).hasOnDisk(3).handles('a', 2),
  ],
  [
    'a commit that was acknowledged and is not kept',
    'commitment',
    '3 was committed, 2 is on the disk',
    (story) => story.sends(3).handles('a', 2).commits('a', 3).hasOnDisk(2),
  ],
  [
    'a message again that was committed before',
    'commitment',
    'with 2 committed',
    (story) => story.letsGo('a').joins('b', 2).owns('b').isGiven('b', 1),
  ],
  [
    'two who hold a partition',
    'ownership',
    'while a-c holds it',
    (story) => story.joins('b', 2).owns('b'),
  ],
  [
    'two who hold a partition, long after the first was frozen',
    'ownership',
    'while a-c holds it',
    (story) => froze(story, 'a').passes(60_000).joins('b', 2).owns('b'),
  ],
  [
    'a message for who does not hold the partition',
    'ownership non-monotonic-poll',
    'which it does not hold',
    (story) => story.loses('a').isGiven('a', 1),
  ],
  [
    'two owners under one epoch',
    'ownership',
    'under epoch 1',
    (story) => story.letsGo('a').sends(3).joins('b', 1).owns('b').handles('b', 2),
  ],
  [
    'a partition that goes on while a handler of it still runs',
    'two-owners',
    'while workers a-m in a handles 2',
    (story) =>
      story
        .sends(3)
        .isGiven('a', 2)
        .letsGo('a')
        .joins('b', 2)
        .owns('b')
        .handles('b', 2)
        .handled('a', 2),
  ],
  [
    'two who handle a message, long before the first is told that it was fenced',
    'two-owners ownership',
    'while workers a-m in a handles 2',
    (story) =>
      story
        .sends(3)
        .isGiven('a', 2)
        .joins('b', 2)
        .owns('b')
        .handles('b', 2)
        .passes(60_000)
        .loses('a'),
  ],
  [
    'two who handle a message, the first of whom is done and dies',
    'two-owners',
    'while workers a-m in a handles 2',
    (story) =>
      story
        .sends(3)
        .isGiven('a', 2)
        .letsGo('a')
        .joins('b', 2)
        .owns('b')
        .handles('b', 2)
        .handled('a', 2)
        .happens({ type: 'tabDied', tab: 'a' }),
  ],
  ['a call that never settles', 'calls', 'send is pending', (story) => story.calls('a', 'send')],
  [
    'a call that is overdue',
    'calls',
    'has not settled',
    (story) => story.happens({ type: 'overdue', tab: 'a', call: 0, name: 'send', awakeMs: 60_000 }),
  ],
  [
    'an error of the broker',
    'calls',
    'UNKNOWN_SERVER_ERROR',
    (story) => story.calls('a', 'send').failsWith('a', 'UNKNOWN_SERVER_ERROR'),
  ],
  [
    'an error that is none of the library’s',
    'calls',
    'run failed',
    (story) => story.calls('a', 'run').failsWith('a', undefined),
  ],
  [
    'an error that nobody caught',
    'calls',
    'a failed',
    (story) =>
      story.happens({
        type: 'uncaught',
        tab: 'a',
        error: { code: undefined, message: 'a TypeError' },
      }),
  ],
  [
    'a worker that says so',
    'worker',
    'not handled',
    (story) =>
      story.happens({ type: 'workerSaid', level: 'error', text: 'a rejection was not handled' }),
  ],
])('finds %s', (_, checkers, message, goesOn) => {
  const anomalies = goesOn(good()).anomalies()
  const [checker, ...others] = checkers.split(' ')
  expect(anomalies).toContainEqual({
    checker,
    message: expect.stringContaining(message) as string,
    atMs: expect.any(Number) as number,
  })
  // What is seen by several is seen by these, and no other checker makes something up.
  const found = new Set(anomalies.map((anomaly) => anomaly.checker))
  expect(found).toEqual(new Set([checker, ...others]))
})

describe('excuses', () => {
  test.each<[string, (story: Story) => Story]>([
    [
      'a send that nobody acknowledged may be lost',
      (story) =>
        story.announces(3).calls('sender', 'send').failsWith('sender', 'DELIVERY_TIMED_OUT'),
    ],
    [
      'and may be stored all the same',
      (story) => story.announces(3).stores(3).handles('a', 2).commits('a', 3).hasOnDisk(3),
    ],
    [
      'what was not committed comes again',
      (story) => story.sends(3).handles('a', 2).letsGo('a').joins('b', 2).owns('b').handles('b', 2),
    ],
    [
      'a frozen tab does not know that it was fenced',
      (story) => story.happens({ type: 'froze', tab: 'a' }).passes(10_000).joins('b', 2).owns('b'),
    ],
    [
      'nor does one that has just woken',
      (story) =>
        story
          .sends(3)
          .happens({ type: 'froze', tab: 'a' })
          .joins('b', 2)
          .owns('b')
          .happens({ type: 'resumed', tab: 'a' })
          .handles('a', 2)
          .loses('a')
          .handles('b', 2),
    ],
    [
      'a handler that began as its tab went to sleep may end when others have the partition',
      (story) =>
        story
          .sends(3)
          .happens({ type: 'froze', tab: 'a' })
          .isGiven('a', 2)
          .joins('b', 2)
          .owns('b')
          .handles('b', 2),
    ],
    [
      'who left for the sake of a handler that is stuck may be heard of late',
      (story) =>
        story
          .sends(3)
          .isGiven('a', 2)
          .joins('b', 2)
          .owns('b')
          .handles('b', 2)
          .loses('a')
          .handled('a', 2),
    ],
    [
      'who was fenced may end its handler before it knows',
      (story) =>
        story
          .sends(3)
          .isGiven('a', 2)
          .joins('b', 2)
          .owns('b')
          .handles('b', 2)
          .handled('a', 2)
          .loses('a'),
    ],
    [
      'that a tab has crashed may be heard late',
      (story) =>
        story
          .sends(3)
          .isGiven('a', 2)
          .joins('b', 2)
          .owns('b')
          .handles('b', 2)
          .happens({ type: 'tabDied', tab: 'a' }),
    ],
    [
      'that the broker is gone may be heard late',
      (story) =>
        story
          .sends(3)
          .isGiven('a', 2)
          .joins('b', 2)
          .owns('b')
          .handles('b', 2)
          .happens({ type: 'brokerDied' })
          .happens({ type: 'brokerStarted' }),
    ],
    [
      'a dead tab holds nothing',
      (story) => story.happens({ type: 'tabDied', tab: 'a' }).joins('b', 2).owns('b'),
    ],
    [
      'with the broker, nobody holds anything',
      (story) =>
        story
          .happens({ type: 'brokerDied' })
          .happens({ type: 'brokerStarted' })
          .joins('b', 1)
          .owns('b')
          .loses('a'),
    ],
    [
      'what a dead tab was told of a call that it made when it was dead is nobody’s',
      (story) =>
        story
          .happens({ type: 'tabDied', tab: 'a' })
          .calls('a', 'acknowledge')
          .failsWith('a', 'INVALID_RECORD_STATE'),
    ],
    [
      'calls of a dead tab settle no more',
      (story) => story.calls('a', 'send').happens({ type: 'tabDied', tab: 'a' }),
    ],
    [
      'who seeks back gets old messages and commits old offsets',
      (story) =>
        story
          .happens({
            type: 'sought',
            tab: 'a',
            groupId: 'workers',
            consumer: 'a',
            place: PLACE,
            offset: 0,
          })
          .handles('a', 0)
          .commits('a', 1)
          .hasOnDisk(1),
    ],
  ])('%s', (_, goesOn) => {
    expect(goesOn(good()).anomalies()).toEqual([])
  })
})

function froze(story: Story, tab: string): Story {
  return story.happens({ type: 'froze', tab }).happens({ type: 'resumed', tab })
}
