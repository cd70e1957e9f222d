/** Requests about topics, as they come over a port. */
import { Fields } from '../fields.js'
import { parseTopicName } from '../names.js'
import { parseTopicConfig } from '../topic-config.js'
import type { ParsersOf } from './api.js'
import { distinct } from './distinct.js'
import type { NewTopic, TopicApis } from './topics.js'

export const TOPIC_PARSERS: ParsersOf<TopicApis> = {
  metadata: (fields, limits) => ({
    api: 'metadata',
    topics:
      fields.raw('topics') === 'all'
        ? 'all'
        : distinct(fields.list('topics', limits.topicsMax, parseTopicName)),
  }),
  createTopics: (fields, limits) => ({
    api: 'createTopics',
    topics: fields.list('topics', limits.topicsMax, parseNewTopic),
    ifNotExists: fields.boolean('ifNotExists'),
    validateOnly: fields.boolean('validateOnly'),
  }),
  deleteTopics: (fields, limits) => ({
    api: 'deleteTopics',
    topics: fields.list('topics', limits.topicsMax, parseTopicName),
  }),
  createPartitions: (fields) => ({
    api: 'createPartitions',
    topic: parseTopicName(fields.raw('topic')),
    count: fields.integer('count'),
  }),
  alterConfigs: (fields) => ({
    api: 'alterConfigs',
    topic: parseTopicName(fields.raw('topic')),
    config: parseTopicConfig(fields.raw('config')),
  }),
}

function parseNewTopic(item: unknown, what: string): NewTopic {
  const fields = new Fields(what, item)
  return {
    topic: parseTopicName(fields.raw('topic')),
    numPartitions: fields.integer('numPartitions'),
    config: parseTopicConfig(fields.raw('config')),
  }
}
