/** A table of what there is. Of very many rows it shows the first, and says how to find the others. */
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { formatCount } from '../format/format.js'
import { TextField } from './fields.js'
import { compareNames } from './natural-order.js'

const ROWS_SHOWN = 200
const ROWS_WITHOUT_SEARCH = 8

export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => ComponentChildren
  /** To the right, as numbers are. */
  readonly isNumber?: boolean
  /** Buttons for what can be done to the row. */
  readonly isActions?: boolean
  /** By which rows are put in order when the title is pressed. */
  readonly order?: (row: T) => number | string
}

export interface DataTableProps<T> {
  /** Says to a screen reader what the table is. */
  readonly caption: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly rowKey: (row: T) => string
  /** Whether rows can be looked for by their key, where there are many. */
  readonly isSearchable?: boolean
}

export function DataTable<T>(props: DataTableProps<T>) {
  const { caption, columns, rows, rowKey, isSearchable = false } = props
  const [wanted, setWanted] = useState('')
  const [sorting, setSorting] = useState<{ title: string; isDown: boolean }>()
  const [isWhole, setWhole] = useState(false)

  const text = wanted.trim().toLowerCase()
  const found = text === '' ? rows : rows.filter((row) => rowKey(row).toLowerCase().includes(text))
  const order = columns.find(({ title }) => title === sorting?.title)?.order
  const sorted = order === undefined ? found : sort(found, order, sorting?.isDown === true)
  const shown = isWhole ? sorted : sorted.slice(0, ROWS_SHOWN)
  const classOf = ({ isNumber, isActions }: Column<T>) =>
    isNumber ? 'number' : isActions ? 'actions' : undefined

  return (
    <div class="section frame">
      {isSearchable && rows.length > ROWS_WITHOUT_SEARCH && (
        <TextField
          label={`Find in ${caption.toLowerCase()}`}
          class="find"
          type="search"
          value={wanted}
          onInput={setWanted}
        />
      )}
      <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
        <table class={sizeOf(columns.length)}>
          <caption class="hidden">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <Heading
                  key={column.title}
                  column={column}
                  class={classOf(column)}
                  isDown={sorting?.title === column.title ? sorting.isDown : undefined}
                  onSort={(isDown) => setSorting({ title: column.title, isDown })}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={rowKey(row)}>
                {columns.map((column, index) =>
                  index === 0 ? (
                    <th key={column.title} scope="row" class={classOf(column)}>
                      {column.cell(row)}
                    </th>
                  ) : (
                    <td key={column.title} class={classOf(column)} data-title={column.title}>
                      {column.cell(row)}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < sorted.length && (
        <p class="row muted">
          {formatCount(shown.length)} of {formatCount(sorted.length)} are shown.
          <button type="button" onClick={() => setWhole(true)}>
            Show all
          </button>
        </p>
      )}
      {rows.length > 0 && sorted.length === 0 && <p class="muted">None is called so.</p>}
    </div>
  )
}

/** How soon there is too little room for it: then its rows are put one below the other, part by part. */
function sizeOf(columns: number): string | undefined {
  if (columns <= 2) return undefined
  return columns <= 4 ? 'small' : 'large'
}

interface HeadingProps<T> {
  readonly column: Column<T>
  readonly class: string | undefined
  /** Undefined where the rows are in another order. */
  readonly isDown: boolean | undefined
  readonly onSort: (isDown: boolean) => void
}

function Heading<T>({ column, isDown, onSort, ...rest }: HeadingProps<T>) {
  if (column.order === undefined) {
    return (
      <th scope="col" class={rest.class}>
        {column.title}
      </th>
    )
  }
  const direction = isDown ? 'descending' : 'ascending'
  const arrow = isDown ? '▼' : '▲'
  return (
    <th scope="col" class={rest.class} aria-sort={isDown === undefined ? 'none' : direction}>
      <button type="button" onClick={() => onSort(isDown === false || isDown === undefined)}>
        {column.title}
        <span aria-hidden="true" class={isDown === undefined ? 'sort' : 'sort now'}>
          {isDown === undefined ? '↕' : arrow}
        </span>
      </button>
    </th>
  )
}

function sort<T>(
  rows: readonly T[],
  order: (row: T) => number | string,
  isDown: boolean,
): readonly T[] {
  const compared = (a: number | string, b: number | string) =>
    typeof a === 'number' && typeof b === 'number' ? a - b : compareNames(String(a), String(b))
  const sign = isDown ? -1 : 1
  return rows.toSorted((a, b) => sign * compared(order(a), order(b)))
}
