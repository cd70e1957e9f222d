/** The first call of a tab, as it comes over a port. */
import { TabmqError } from './errors.js'
import { Fields } from './fields.js'
import type { Hello } from './hello.js'
import { ID_LENGTH_MAX } from './limits.js'
import { parseBrokerName, parseSessionId } from './names.js'
import { PROTOCOL_VERSION } from './protocol-version.js'

/**
 * @throws TabmqError INVALID_REQUEST; BROKER_SUPERSEDED for a tab that is older than this broker,
 *   UNSUPPORTED_VERSION for one that is newer
 */
export function parseHello(value: unknown): Hello {
  const fields = new Fields('hello', value)
  const protocolVersion = fields.integer('protocolVersion')
  if (protocolVersion !== PROTOCOL_VERSION) {
    throw new TabmqError(
      protocolVersion < PROTOCOL_VERSION ? 'BROKER_SUPERSEDED' : 'UNSUPPORTED_VERSION',
      `the broker speaks version ${PROTOCOL_VERSION} of the protocol, the tab ${protocolVersion}`,
      { brokerVersion: PROTOCOL_VERSION, tabVersion: protocolVersion },
    )
  }
  const sessionId = parseSessionId(fields.raw('sessionId'))
  const clientId = fields.string('clientId', ID_LENGTH_MAX)
  return {
    protocolVersion,
    sessionId,
    clientId,
    ...(fields.has('lockName') ? { lockName: fields.string('lockName', 1_000) } : {}),
    ...(fields.has('brokerName') ? { brokerName: parseBrokerName(fields.raw('brokerName')) } : {}),
  }
}
