/**
 * The version of the requests and responses that tab and broker exchange. A tab and a broker of
 * different versions do not talk: a tab that is older than the broker gets `BROKER_SUPERSEDED`, and a
 * broker that is older than a tab makes room for one of the tab's version.
 * The version of what is on disk is another number, kept by the storage.
 */
export const PROTOCOL_VERSION = 2
