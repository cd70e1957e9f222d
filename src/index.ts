/**
 * tabmq: a message broker that lives in the browser. This is the whole public API.
 */
export { Tabmq, type TabmqEvents, type TabmqOptions } from './client/tabmq.js'
export type { WorkerSource } from './client/browser-host.js'
export type { Message, MessageKey } from './client/message.js'
export type { Headers, HeaderValue } from './codec/headers.js'
export type { Codec } from './codec/codec.js'
export type {
  Producer,
  ProducerBatch,
  ProducerRecord,
  RecordMetadata,
} from './client/producer/producer.js'
export type { DuplicateMessage } from './client/producer/chunk-result.js'
export type { PublishRecord } from './client/producer/outgoing-publication.js'
export type { ProducerOptions } from './client/producer/producer-options.js'
export { keyPartition, type Partitioner, type PartitionerInput } from './client/partitioner.js'
export type { Consumer } from './client/consumer/consumer.js'
export type { TopicPartitions } from './client/consumer/pauses.js'
export type {
  ConsumerOptions,
  MessagesOptions,
  RunOptions,
} from './client/consumer/consumer-options.js'
export type { Reply } from './client/request/reply.js'
export type { RequestOptions } from './client/request/requester.js'
export type { SubscribeOptions } from './client/consumer/subscriptions.js'
export type {
  Batch,
  ConsumerEvents,
  Delivery,
  EachBatchHandler,
  EachBatchPayload,
  EachMessageHandler,
  EachMessagePayload,
  ReceivedMessage,
  TopicPartition,
  TopicPartitionOffset,
  TopicPartitionOffsetAndMetadata,
} from './client/consumer/delivery.js'
export type {
  ShareConsumer,
  ShareMessagesOptions,
  ShareSubscribeOptions,
} from './client/share/share-consumer.js'
export type { Store, StoreEntriesOptions, StoreWatchOptions } from './client/store/store.js'
export type { StoreChanges } from './client/store/store-changes.js'
export type { StoreListener, StoreUpdate } from './client/store/store-watch.js'
export type {
  Acknowledgement,
  AcknowledgeOptions,
  ShareConsumerEvents,
  ShareDelivery,
  ShareMessageHandler,
} from './client/share/share-delivery.js'
export type {
  AcknowledgementMode,
  RetryOptions,
  ShareConsumerOptions,
  ShareRunOptions,
} from './client/share/share-options.js'
export type {
  Admin,
  PartitionOffset,
  PartitionOffsetAndMetadata,
  PartitionOffsets,
  BindingToMake,
  ExchangeToDeclare,
  TopicDescription,
  TopicGroupOffsets,
  TopicToCreate,
} from './client/admin/admin.js'
export type {
  FetchedMessage,
  FetchedMessages,
  FetchMessagesOptions,
} from './client/admin/fetch-messages.js'
export type { RedriveOptions } from './client/admin/redrive.js'
export type { WatchOptions } from './client/admin/watch.js'
export type { BrokerLimits } from './protocol/limits.js'
export { TabmqError, type ErrorCode, type ErrorDetails } from './protocol/errors.js'
export type {
  ClusterDescription,
  ClusterState,
  PartitionState,
  SessionDescription,
  StorageEstimate,
  TopicState,
} from './protocol/requests/cluster.js'
export type {
  Binding,
  BindingTarget,
  ExchangeCounters,
  ExchangeDescription,
  ExchangeType,
  HeadersMatch,
} from './protocol/requests/exchanges.js'
export type {
  AssignorName,
  AutoOffsetReset,
  GroupDescription,
  GroupListing,
  GroupOffset,
  GroupState,
  MemberDescription,
} from './protocol/requests/groups.js'
export type { Acks } from './protocol/requests/log.js'
export type { AssignedPartition } from './protocol/requests/partitions.js'
export type { ReplyTo } from './protocol/requests/replies.js'
export type {
  ShareCounters,
  ShareGroupDescription,
  ShareGroupOptions,
  ShareLock,
  ShareMemberDescription,
  SharePartitionDescription,
} from './protocol/requests/share-groups.js'
export type { StoreListing } from './protocol/requests/stores.js'
export type { TopicConfig } from './protocol/requests/topics.js'
