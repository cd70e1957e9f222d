import { handledSince, isFaultless, recordsIn, sentSince } from '../conditions.js'
import { TOPIC } from '../../names.js'
import { atWork, noFault, quiet, records, toBegin } from '../needs.js'
import type { Scenario, Seen, StepAction } from '../scenario.js'

const READINGS = 60
const SENSORS = ['attic', 'cellar', 'garden']
const LOOSE = 6

const sendReadings: StepAction = {
  label: `Send ${READINGS} readings`,
  run: ({ demo }) =>
    demo.sendAll(
      Array.from({ length: READINGS }, (_, number) => {
        const sensor = SENSORS[number % SENSORS.length]
        return { key: sensor, value: { sensor, number } }
      }),
    ),
}

const sendLoose: StepAction = {
  label: `Send ${LOOSE} without a key`,
  run: async ({ demo }) => {
    for (let number = 0; number < LOOSE; number++) {
      await demo.sendAll([{ key: undefined, value: { number } }])
    }
  },
}

function areReadingsHandled(seen: Seen): boolean {
  return sentSince(seen) >= READINGS && handledSince(seen) >= READINGS
}

export const orderByKey: Scenario = {
  id: 'order-by-key',
  title: 'Order by key',
  summary: 'What has one key is in one partition, and handled in the order in which it was sent.',
  steps: [
    {
      title: 'Three sensors',
      text: [
        'Order costs something: what is to be in order cannot be done at the same time. So a log keeps order where it matters, among messages of one *key*.',
        `Send ${READINGS} readings of three sensors, with the sensor as the key.`,
      ],
      shows: ['logs'],
      needs: [atWork, toBegin(quiet)],
      actions: [sendReadings],
      isDone: areReadingsHandled,
      waitingFor: `Waiting for ${READINGS} messages to be sent and handled.`,
      done: 'At most three partitions have grown: a hash of the key says which.',
    },
    {
      title: 'Look into one',
      text: [
        'Click one of the new records, or move to its lane and press the arrow keys. Step through its neighbours: within a partition, the numbers of each sensor only go up, until it was sent again.',
      ],
      shows: ['logs'],
      needs: [records(sendReadings)],
      isDone: ({ now, since }) => now.picked !== undefined && now.picked !== since.picked,
      waitingFor: 'Waiting for you to pick a record.',
      done: 'There it is, with its key. One tab at a time has this partition, and handles it from left to right.',
    },
    {
      title: 'Without a key',
      text: [
        'A message without a key may go anywhere. A producer keeps to one partition for a batch, and then turns to another, which costs least. Send some, one after the other, and see where they land.',
      ],
      shows: ['logs'],
      needs: [toBegin(quiet)],
      actions: [sendLoose],
      isDone: (seen) =>
        sentSince(seen) >= LOOSE && recordsIn(seen.now, TOPIC) > recordsIn(seen.since, TOPIC),
      waitingFor: 'Waiting for some messages without a key.',
      done: 'They are spread over the partitions, and in no order among each other.',
    },
    {
      title: 'Nothing out of order',
      text: [
        `Send ${READINGS} readings once more, and look at the checker. It compares the order of handling with that of the log, for each partition. A handler that is told to skip one makes it red: try it under *Make trouble* before you send.`,
        'More partitions later on lead a key elsewhere, so choose enough of them from the start.',
      ],
      shows: ['checker'],
      needs: [noFault, atWork, toBegin(quiet)],
      actions: [sendReadings],
      isDone: (seen) => areReadingsHandled(seen) && isFaultless(seen.now),
      waitingFor: `Waiting until ${READINGS} more are handled, and the checker finds no fault.`,
      done: 'They were handled in order.',
    },
  ],
}
