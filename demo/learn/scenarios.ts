/** All guided scenarios, in the order in which they are best taken. */
import type { Scenario } from './scenario.js'
import { brokerDeath } from './scenarios/broker-death.js'
import { crash } from './scenarios/crash.js'
import { lag } from './scenarios/lag.js'
import { offline } from './scenarios/offline.js'
import { orderByKey } from './scenarios/order-by-key.js'
import { poisonMessage } from './scenarios/poison-message.js'
import { rebalance } from './scenarios/rebalance.js'
import { staticMembers } from './scenarios/static-members.js'
import { twoGroups } from './scenarios/two-groups.js'

export const SCENARIOS: readonly Scenario[] = [
  rebalance,
  orderByKey,
  lag,
  crash,
  brokerDeath,
  twoGroups,
  poisonMessage,
  staticMembers,
  offline,
]
