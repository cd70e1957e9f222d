/** What is asked while the code for it is being loaded. */
import { structuredCodec } from '../../codec/structured-codec.js'
import type { RequestOptions } from './requester.js'

/** The options with a copy of the value: whoever asks may change it after the call. */
export function withValueNow(options: RequestOptions): RequestOptions {
  try {
    return { ...options, value: structuredCodec.decode(structuredCodec.encode(options.value)) }
  } catch {
    // Whoever sends it says what is wrong with it.
    return options
  }
}
