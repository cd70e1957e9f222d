/**
 * The version of the requests and responses that tab and broker exchange. A tab and a broker of
 * different versions do not talk: the tab gets `UNSUPPORTED_VERSION`.
 * The version of what is on disk is another number, kept by the storage.
 */
export const PROTOCOL_VERSION = 1
