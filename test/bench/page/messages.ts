/** What is sent: small objects such as an outbox holds, about 135 bytes as JSON. */
export interface Order {
  readonly id: number
  readonly type: string
  readonly customer: string
  readonly items: readonly { readonly sku: string; readonly quantity: number }[]
  readonly total: number
  readonly at: number
}

export interface Keyed {
  readonly key: string
  readonly value: Order
}

const CUSTOMERS = 977
const FIRST_AT_MS = 1_780_000_000_000

export function order(id: number): Order {
  return {
    id,
    type: 'order.created',
    customer: `customer-${id % CUSTOMERS}`,
    items: [{ sku: `SKU-${(id * 7) % 10_000}`, quantity: 1 + (id % 3) }],
    total: (id % 20_000) / 100,
    at: FIRST_AT_MS + id,
  }
}

/** Each with its customer for a key, so that one customer's orders stay in order. */
export function orders(count: number, firstId = 0): Keyed[] {
  return Array.from({ length: count }, (_, index) => {
    const value = order(firstId + index)
    return { key: value.customer, value }
  })
}
