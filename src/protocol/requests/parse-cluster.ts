/** Requests about the broker as a whole, as they come over a port. */
import { ID_LENGTH_MAX, WATCH_INTERVAL_MS_MIN } from '../limits.js'
import type { ParsersOf } from './api.js'
import type { ClusterApis } from './cluster.js'

const WATCH_INTERVAL_MS_MAX = 3_600_000

export const CLUSTER_PARSERS: ParsersOf<ClusterApis> = {
  describeCluster: () => ({ api: 'describeCluster' }),
  watch: (fields) => ({
    api: 'watch',
    watchId: fields.string('watchId', ID_LENGTH_MAX),
    intervalMs: fields.integer('intervalMs', {
      min: WATCH_INTERVAL_MS_MIN,
      max: WATCH_INTERVAL_MS_MAX,
    }),
  }),
  unwatch: (fields) => ({ api: 'unwatch', watchId: fields.string('watchId', ID_LENGTH_MAX) }),
}
