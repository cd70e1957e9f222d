/**
 * How an area says what it can be asked: `<area>.ts` has an interface of its requests by name,
 * `parse-<area>.ts` a parser for each of them. `request.ts` and `parse-request.ts` put the areas
 * together, and know no single request.
 */
import type { Fields } from '../fields.js'
import type { BrokerLimits } from '../limits.js'

/** What is asked and what is answered. */
export interface Api<Req, Res> {
  readonly request: Readonly<Req>
  readonly response: Readonly<Res>
}

export type Empty = Record<never, never>

/** A request as it travels, with its name. */
export type Tagged<A, Req> = Req & { readonly api: A }

/** Each makes its request of the fields that came, or throws what is wrong with them. */
export type ParsersOf<Area extends Record<keyof Area, { readonly request: unknown }>> = {
  readonly [A in keyof Area]: (
    fields: Fields,
    limits: BrokerLimits,
  ) => Tagged<A, Area[A]['request']>
}
