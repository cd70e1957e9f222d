/**
 * Seeds that failed once, and what they showed. Each fails again when its fix is taken out, for as
 * long as the simulator draws from a seed what it drew then; when it draws otherwise, a seed here is
 * one more seed, and the description is what remains.
 */
import { expect, test } from 'vitest'
import { drawOptions, onlyFaults, type SimOptions } from './options.js'
import { NO_PROPERTIES } from './share/share-options.js'
import { describeFailure, simulate } from './simulate.js'

const SEEDS: readonly (readonly [number, string])[] = [
  [9, 'a loop over messages() ends when the consumer is stopped by other means'],
  [13, 'offsets of a former membership are not committed under the epoch of the next'],
  [
    62,
    'a lock that is freed before the goodbye is heard does not make the broker forget producers',
  ],
  [64, 'a partition whose topic was unsubscribed meanwhile still starts where its policy said'],
  [111, 'a commit under way when the page sleeps does not come again behind a later one'],
  [127, 'a partition that is being let go is not fetched over and over'],
  [198, 'what is handled while a commit is under way is committed after the interval'],
  [205, 'a revocation does not take the other partitions for committed'],
  [
    205,
    'what was handled before the broker died is committed when the partition is taken up again',
  ],
  [326, 'an offset is called out of range once the log start beyond it is durable, not before'],
  [
    342,
    'a broker that another has taken over from may tell what was committed when it had the say',
  ],
  [373, 'the auditor expects no log start of a state that was dropped before it was told'],
  [422, 'the auditor takes no static member for one again that was late when its tab said goodbye'],
  [596, 'a batch whose answer was lost keeps its number when a later one comes out of order'],
  [935, 'nor one whose broker may have loaded its state again meanwhile'],
  [960, 'who goes back to what is gone may go to the end, whatever was being committed then'],
  [1153, 'a commit that fails behind the end of its broker takes nothing from the next broker'],
  [1360, 'no fetch says of a state that was dropped what was out of range in it'],
  [1199, 'a commit that waits for the next broker is not sent under the membership of there'],
  [6697, 'who waits for the state of a broker that closes is told that it has closed'],
  [7671, 'what was cut off once is not cut off again'],
  [8186, 'a clock that is a day ahead for a while makes the broker forget producers'],
  [8309, 'a static member that is away commits nothing of what others have by then'],
  [58742, 'a send that is rejected for one partition is under way for no other'],
  [43435, 'what is on its way keeps its order while the machine sleeps'],
  [44474, 'a superseded broker may refuse for what was so in its time'],
  [5242, 'the auditor counts a jump of the clock for whoever is joining as well'],
  [6031, 'a seek that waits for its partition is not forgotten for what others are given of it'],
  [26808, 'with acks 0 no batch is sent before the one in front of it was answered'],
  [56763, 'who has joined the state that was loaded again does not drop what it holds'],
  [84577, 'nobody loads a page again when all are about to quit'],
  [87867, 'what nobody waits for any more may be on its way to a broker that slept'],
  [100778, 'a member of whom nothing was known has had the epoch that was taken from it'],
  [100931, 'what was handled under the last broker counts where nobody has committed in between'],
  [101693, 'who is told to go elsewhere may still commit where it went before'],
  [102072, 'a batch in doubt is not followed by more than the broker remembers'],
  [
    135,
    'what was a repeat is told again when its batch is sent again, though its first is deleted',
  ],
  [127, 'a broker that closes while it reads message ids says that it has closed'],
  [5323, 'batches that start over under a new epoch keep their order, one in doubt among them'],
  [103652, 'what others commit does not say that who was told to go back has been there'],
  [104572, 'who is told to go beyond the end may go to the end'],
  [127841, 'where a consumer was reset to during a commit is committed after it'],
  [400113, 'no fetch is told of a deletion that is not durable'],
  [400257, 'nor is a batch with acks 0'],
  [400239, 'what was fetched before its topic was deleted may be handled for a moment'],
  [400698, 'where a group began counts again when the deletion of its topic is undone'],
  [401143, 'what is handled of a deleted topic says nothing of where the group began'],
  [401404, 'an offset that was to be set says nothing of where the group begins before it is'],
  [402145, 'a clock set back while the state is loaded takes no time from a static member'],
  [403429, 'nor one set back just before its tab goes'],
  [638, 'a run is not at rest before every tab has quit'],
  [5350, 'nor when no call is under way that could be waited for'],
  [8086, 'a commit that was on its way when a consumer went back says nothing of where it goes'],
  [9932, 'who went back may find its position gone until it has caught up'],
  [20118, 'no worker hears that a lock was taken from it before it hears that it has it'],
  [21867, 'what a member is told late, it may have lost since to whom was told before'],
]

/** Seeds as they are drawn: with share groups and properties. Those above are run without, as they were when they failed. */
const WHOLE_SEEDS: readonly (readonly [number, string])[] = [
  [35, 'what a page has accepted as it goes into the cache is not failed'],
  [45, 'no dead letter is written of what retention has taken meanwhile'],
  [115, 'a rejection fails with its dead letter, be it before all else that was said with it'],
  [309, 'the next of a key waits until the dead letter of the one before is on the disk'],
  [1295, 'a dead letter whose message cannot be read for a moment is written later'],
  [3137, 'who waits for message ids that cannot be read is told in order, and none overtakes'],
  [5141, 'that a batch was a repeat is said again when its producer’s row is on the disk'],
  [5457, 'a tab that is gone is forgotten when all it sent has begun'],
  [6210, 'nor before what it sent twice and still waits'],
  [20078, 'a world is not well while anything published is on its way'],
  [30363, 'who goes back is back also when what was handled before is committed after that'],
  [30503, 'a lock that was on its way when the clock was set back is no longer than it was'],
  [31749, 'what is accepted may go with its topic in the transaction in which it is entered'],
]

test.each(SEEDS)(
  'seed %i: %s',
  (seed) => expectNoViolation(seed, { shareGroups: [], properties: NO_PROPERTIES }),
  60_000,
)

test.each(WHOLE_SEEDS)('seed %i: %s', (seed) => expectNoViolation(seed), 60_000)

/** On disks that are full again and again, with a group that keeps keys in order and enters into a store. */
const FULL_SEEDS: readonly (readonly [number, string])[] = [
  [28, 'what is said beside an acceptance that is refused stays on the disk'],
  [35, 'the next of a key waits until what the one before led to is written'],
]

test.each(FULL_SEEDS)(
  'seed %i, on full disks: %s',
  (seed) => expectNoViolation(seed, orderedEntries(seed)),
  60_000,
)

function orderedEntries(seed: number): Partial<SimOptions> {
  const handler = {
    msMax: 10,
    longChance: 0,
    longMs: 0,
    failChance: 0.05,
    hangChance: 0,
    heedsSignal: true,
    renews: false,
    releaseChance: 0.05,
    rejectChance: 0.02,
    silentChance: 0,
  }
  const members = drawOptions(seed).slots.map((_, slot) => {
    const how = { mode: 'run', acknowledgement: 'onReturn', concurrency: 3 } as const
    return { slot, ...how, maxInFlight: 4, weight: 1 }
  })
  return {
    faultMs: 5_000,
    messagesMax: 400,
    faults: onlyFaults({ fillDisk: 3, slowDisk: 1, openTab: 1, closeTab: 1 }, 150),
    properties: NO_PROPERTIES,
    shareGroups: [
      {
        groupId: 'share-0',
        byPattern: false,
        fromLatest: false,
        lockDurationMs: 10_000,
        deliveryCountLimit: 4,
        deadLetterTopic: undefined,
        orderingKey: true,
        retry: { initialDelayMs: 50, maxDelayMs: 200 },
        startsAfterMs: 0,
        handler,
        poisonEvery: 0,
        entersIntoStore: true,
        meddleEveryMs: 0,
        members,
      },
    ],
  }
}

async function expectNoViolation(seed: number, overrides: Partial<SimOptions> = {}): Promise<void> {
  const result = await simulate(seed, { overrides })
  expect(result.violations, describeFailure(result)).toEqual([])
}
