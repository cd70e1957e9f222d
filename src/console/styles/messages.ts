/** The list of messages and one of them beside it. */
export const messages = `
.query { grid-template-columns: repeat(auto-fit, minmax(min(100%, 136px), 1fr)); }
.row.start { align-items: flex-start; flex-wrap: nowrap; }
.row.start .fill { flex: 1 1 0; }
.exact { white-space: pre-wrap; }
.grid-row > .exact { white-space: pre; }
.beside { margin-top: 22px; }
.field .error { font-family: inherit; }
.field .error pre { overflow-x: auto; line-height: 1.2; }
summary { cursor: pointer; color: var(--muted); width: fit-content; }
.found { display: grid; gap: 12px; grid-template-columns: minmax(0, 1fr); }
.grid { height: clamp(256px, 62vh, 704px); overflow: auto; border: 1px solid var(--line); border-radius: 8px; contain: strict; overflow-anchor: none; }
.grid-row { display: grid; grid-template-columns: 28px 80px 96px 200px minmax(96px, 1fr) minmax(160px, 4fr); height: 28px; align-items: center; border-bottom: 1px solid var(--line); cursor: pointer; }
.grid-row > * { padding: 0 8px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.grid-row .number { text-align: end; }
.grid-head { position: sticky; top: 0; background: var(--surface); color: var(--muted); font-size: 12px; font-weight: 600; z-index: 1; cursor: default; }
.grid-body { position: relative; }
.grid-body::before { content: ''; display: block; height: var(--first); }
.grid-row[aria-selected='true'] { background: var(--accent-soft); }
.grid:focus-visible .grid-row.active { outline: 2px solid var(--accent); outline-offset: -2px; }
.grid-row.active .box { border-color: var(--accent); }
.mark { padding: 0 6px !important; }
.box { display: inline-block; width: 16px; height: 16px; line-height: 14px; border: 1px solid var(--line-strong); border-radius: 4px; text-align: center; font-size: 12px; vertical-align: middle; color: var(--accent); font-weight: 700; }
.detail .head h3 { flex: 1; }
.detail { border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; }
.detail > * { flex: none; }
.value { background: var(--surface); border: 1px solid var(--line); border-radius: 6px; padding: 8px 10px; max-height: 416px; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
button[aria-pressed='true'] { background: var(--accent-soft); border-color: var(--accent); color: var(--accent); font-weight: 600; }
@container console (min-width: 1100px) {
  .found.split { grid-template-columns: minmax(0, 3fr) minmax(352px, 2fr); align-items: start; }
  .found.split .detail { max-height: clamp(256px, 62vh, 704px); overflow: auto; }
  .found.split .value { max-height: none; }
  .found.split .grid-row { grid-template-columns: 28px 80px 80px minmax(80px, 1fr) minmax(96px, 3fr); }
  .found.split .grid-row .minor { display: none; }
}
@container console (max-width: 1099px) {
  .found.split .grid { height: clamp(192px, 36vh, 704px); }
}
@container console (max-width: 720px) {
  .grid-row { grid-template-columns: 28px 78.4px 67.2px minmax(64px, 1fr) minmax(96px, 2fr); }
  .grid-row > * { padding: 0 5px; }
}
`
