/** Has every part of the client here from the start: importing this module is enough. */
import * as admin from './admin/admin-calls.js'
import { adminPart, exchangesPart, requestsPart, sharesPart, storesPart } from './parts.js'
import * as exchanges from './producer/publisher.js'
import * as requests from './request/requester.js'
import * as shares from './share/share-run.js'
import * as stores from './store/store-part.js'

adminPart.provide(admin)
exchangesPart.provide(exchanges)
requestsPart.provide(requests)
sharesPart.provide(shares)
storesPart.provide(stores)
