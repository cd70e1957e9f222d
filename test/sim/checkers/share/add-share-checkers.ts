/** Every checker of share groups, behind the ledger in which they look things up. */
import type { History } from '../../history.js'
import { DeadLetterChecker } from './dead-letter-checker.js'
import { DeliveryCountChecker } from './delivery-count-checker.js'
import { DueChecker } from './due-checker.js'
import { FinalChecker } from './final-checker.js'
import { KeyOrderChecker } from './key-order-checker.js'
import { ShareLedger } from './share-ledger.js'
import { ShareLossChecker, type ShareGroupTerms } from './share-loss-checker.js'
import { ShareStoresChecker } from './share-stores-checker.js'
import { TwoHoldersChecker } from './two-holders-checker.js'

export interface ShareCheckersOptions {
  readonly groups: readonly ShareGroupTerms[]
  /** What the machine believes the time to be. */
  readonly wallMs: () => number
}

export function addShareCheckers(history: History, { groups, wallMs }: ShareCheckersOptions): void {
  const ledger = history.listen((parts) => new ShareLedger(parts, wallMs))
  history.add('two-holders', (parts) => new TwoHoldersChecker(parts, ledger))
  history.add('final', (parts) => new FinalChecker(parts, ledger))
  history.add('share-loss', (parts) => new ShareLossChecker(parts, ledger, groups))
  history.add('dead-letters', (parts) => new DeadLetterChecker(parts, ledger, groups))
  history.add('delivery-counts', (parts) => new DeliveryCountChecker(parts, ledger, groups))
  history.add('key-order', (parts) => new KeyOrderChecker(parts, ledger, groups))
  history.add('share-stores', (parts) => new ShareStoresChecker(parts, ledger, groups))
  history.add('due', (parts) => new DueChecker(parts, ledger))
}
