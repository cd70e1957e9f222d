import { handledSince, isFaultless, sentSince } from '../conditions.js'
import type { Scenario } from '../scenario.js'

const READINGS = 60
const SENSORS = ['attic', 'cellar', 'garden']

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
      actions: [
        {
          label: `Send ${READINGS} readings`,
          run: ({ demo }) =>
            demo.sendAll(
              Array.from({ length: READINGS }, (_, number) => {
                const sensor = SENSORS[number % SENSORS.length]
                return { key: sensor, value: { sensor, number } }
              }),
            ),
        },
      ],
      isDone: (seen) => sentSince(seen) >= READINGS && handledSince(seen) >= READINGS,
      waitingFor: `Waiting for ${READINGS} messages to be sent and handled.`,
      done: 'At most three partitions have grown: a hash of the key says which.',
    },
    {
      title: 'Look into one',
      text: [
        'Click one of the new records, or move to its lane and press the arrow keys. Step through its neighbours: within a partition, the numbers of each sensor only go up.',
      ],
      isDone: ({ demo }) => demo.picked.value !== undefined,
      waitingFor: 'Waiting for you to pick a record.',
      done: 'There it is, with its key. One tab at a time has this partition, and handles it from left to right.',
    },
    {
      title: 'Without a key',
      text: [
        'A message without a key may go anywhere. A producer keeps to one partition for a batch, and then turns to another, which costs least. Send some, one after the other, and see where they land.',
      ],
      actions: [
        {
          label: 'Send 6 without a key',
          run: async ({ demo }) => {
            for (let number = 0; number < 6; number++) {
              await demo.sendAll([{ key: undefined, value: { number } }])
            }
          },
        },
      ],
      isDone: (seen) => sentSince(seen) >= 6,
      waitingFor: 'Waiting for some messages without a key.',
      done: 'Spread evenly, and in no order among each other.',
    },
    {
      title: 'Nothing out of order',
      text: [
        'The checker compares the order of handling with that of the log, for each partition. A handler that is told to skip one makes it red: try it under *Make trouble*, and clear the topic after that.',
        'More partitions later on lead a key elsewhere, so choose enough of them from the start.',
      ],
      isDone: ({ now }) => isFaultless(now),
      waitingFor: 'The checker has found a fault. Clear the topic to begin anew.',
      done: 'Out of order: none.',
    },
  ],
}
