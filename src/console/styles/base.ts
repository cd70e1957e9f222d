/** A table where there is little room: each row is a block with all that it has, and says what each is called. */
const stacked = (table: string) => `
  ${table}, ${table} :is(thead, tbody) { display: block; }
  ${table} tbody tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(70px, 1fr)); gap: 6px 12px; padding: 9px 10px; border-bottom: 1px solid var(--line); }
  ${table} tbody tr:last-child { border-bottom: 0; }
  ${table} tbody :is(th, td) { display: block; grid-column: 1 / -1; order: 1; min-width: 0; padding: 0; border: 0; text-align: start; overflow-wrap: anywhere; }
  ${table} tbody th { order: -1; }
  ${table} tbody .number { grid-column: auto; order: 0; }
  ${table} td::before { content: attr(data-title); content: attr(data-title) / ''; margin-inline-end: 8px; font-size: 12px; color: var(--muted); }
  ${table} .number::before { display: block; margin: 0; white-space: normal; }
  ${table} .actions::before { display: none; }
  ${table} .row.nowrap { justify-content: flex-start; }
  ${table} .lags { display: inline-flex; }
  ${table} thead tr { display: flex; flex-wrap: wrap; gap: 0 14px; align-items: baseline; padding: 3px 10px; border-bottom: 1px solid var(--line); background: var(--surface); }
  ${table} thead tr::before { content: 'Order by'; content: 'Order by' / ''; font-size: 12px; color: var(--muted); }
  ${table} thead th { padding: 0; border: 0; background: none; }
  ${table} thead:not(:has(button)), ${table} thead th:not(:has(button)) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
`

/** The frame of the console, and what all views are made of: text, controls, tables, dialogs. */
export const base = `
:host {
  display: block;
  container: console / inline-size;
  background: var(--bg);
}
:host([hidden]) { display: none; }
*, *::before, *::after { box-sizing: border-box; }
/* What the page says of the element, or of everything, would be inherited from here on. */
.console { all: initial; color-scheme: inherit; color: var(--text); font: 13px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; text-align: start; background: var(--bg); }
/* Its words are English, whatever the page's are; "all" leaves the direction as it is. */
.console { direction: ltr; unicode-bidi: isolate; }
.console { display: grid; grid-template: auto auto minmax(0, 1fr) / 184px minmax(0, 1fr); height: 100%; position: relative; }
h2, h3, p, ul, dl, dd, pre, figure { margin: 0; }
ul { padding: 0; list-style: none; }
h2 { font-size: 17px; line-height: 1.3; overflow-wrap: anywhere; }
h3 { font-size: 14px; }
code, .mono { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, monospace; font-size: 12px; }
.muted { color: var(--muted); }
.danger-text { color: var(--danger); }
.warn-text { color: var(--warn); }
.ok-text { color: var(--ok); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.break { overflow-wrap: anywhere; }
.wide { display: inline-block; min-width: 72px; }

.top { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; padding: 8px 14px; border-bottom: 1px solid var(--line); background: var(--surface); min-height: 42px; }
.top strong { font-size: 14px; }
.top .fill { flex: 1; }
.banners { grid-column: 1 / -1; }
.banner { padding: 8px 14px; border-bottom: 1px solid var(--line); background: var(--warn-soft); color: var(--text); overflow-wrap: anywhere; }
.banner.bad { background: var(--danger-soft); }
.banner button { margin-inline-start: 8px; }
.dot { display: inline-block; width: 8px; height: 8px; border-radius: 50%; background: var(--muted); margin-inline-end: 6px; }
.dot.ok { background: var(--ok); }
.dot.bad { background: var(--danger); }
nav { grid-row: 3; grid-column: 1; border-inline-end: 1px solid var(--line); background: var(--surface); padding: 8px; overflow-y: auto; }
nav ul { display: flex; flex-direction: column; gap: 2px; }
nav button { width: 100%; display: flex; gap: 8px; justify-content: space-between; border: 0; background: none; padding: 6px 10px; text-align: start; border-radius: 6px; }
nav button:hover { background: var(--accent-soft); }
nav button[aria-current='page'] { background: var(--accent-soft); color: var(--accent); font-weight: 600; }
nav .count { color: var(--muted); font-weight: 400; }
main { grid-row: 3; min-width: 0; overflow: auto; padding: 14px 16px 24px; display: flex; flex-direction: column; gap: 14px; }
main > * { flex: none; }
main:focus-visible { outline: none; }

.row { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.row.end { align-items: flex-end; }
.row.nowrap { flex-wrap: nowrap; justify-content: flex-end; }
.row .fill { flex: 1 1 auto; }
.head { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; min-height: 32px; }
.head h2 { flex: 1 1 auto; }
.section { display: flex; flex-direction: column; gap: 8px; min-width: 0; }

button, select, input, textarea { font: inherit; color: inherit; }
button { padding: 4px 10px; min-height: 28px; border: 1px solid var(--line-strong); border-radius: 6px; background: var(--raised); cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--accent); }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
button.danger { border-color: var(--danger); color: var(--danger); }
button.danger.primary { background: var(--danger); color: var(--on-danger); }
button.link { baseline-source: first; border: 0; min-height: 24px; padding: 2px 0; background: none; color: var(--accent); text-align: start; overflow-wrap: anywhere; }
button.link:hover { text-decoration: underline; }
button:disabled, button[aria-disabled='true'] { cursor: not-allowed; color: var(--muted); border-color: var(--line); background: var(--surface); }
input:not([type='checkbox'], [type='radio']), select, textarea { width: 100%; min-height: 28px; padding: 3px 8px; border: 1px solid var(--line-strong); border-radius: 6px; background: var(--bg); }
input::placeholder, textarea::placeholder { color: var(--muted); opacity: 1; }
textarea { resize: vertical; min-height: 5.5em; }
input[aria-invalid='true'], textarea[aria-invalid='true'] { border-color: var(--danger); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.field { display: flex; flex-direction: column; gap: 3px; min-width: 0; }
.field > label, .label { font-weight: 600; font-size: 12px; }
.field .hint { font-size: 12px; color: var(--muted); }
.field .error, p.error { color: var(--danger); font-size: 12px; overflow-wrap: anywhere; white-space: pre-wrap; }
.check { display: flex; gap: 6px; align-items: center; min-height: 28px; }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 208px), 1fr)); gap: 10px; align-items: start; }
.grow { grid-column: 1 / -1; }

.frame { container: frame / inline-size; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
/* At an edge behind which there is more lies a shadow, which what comes along with the table covers at its end. */
.scroll {
  background:
    linear-gradient(to right, var(--bg) 40%, transparent) 0 0 / 32px 100% no-repeat local,
    linear-gradient(to left, var(--bg) 40%, transparent) 100% 0 / 32px 100% no-repeat local,
    linear-gradient(to right, var(--edge), transparent) 0 0 / 12px 100% no-repeat scroll,
    linear-gradient(to left, var(--edge), transparent) 100% 0 / 12px 100% no-repeat scroll;
}
table { border-collapse: collapse; width: 100%; }
th, td { padding: 5px 10px; text-align: start; vertical-align: baseline; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { background: color-mix(in srgb, var(--line) 30%, transparent); font-size: 12px; color: var(--muted); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 400; min-width: 104px; }
thead button { display: inline-flex; gap: 3px; align-items: center; text-align: inherit; border: 0; background: none; padding: 0; min-height: 24px; font-weight: inherit; color: inherit; }
.sort { opacity: 0.55; }
.sort.now { opacity: 1; color: var(--accent); }
thead button:hover { color: var(--text); text-decoration: underline; }
.find { max-width: 384px; }
th.number, td.number { text-align: end; white-space: nowrap; }
th.actions, td.actions { white-space: nowrap; text-align: end; }
tbody tr:hover { background: color-mix(in srgb, var(--surface) 60%, transparent); }
.tag { display: inline-block; padding: 0 6px; border: 1px solid var(--line-strong); border-radius: 999px; font-size: 11px; line-height: 17px; color: var(--muted); white-space: nowrap; }
.tag.ok { color: var(--ok); border-color: currentcolor; }
.tag.warn { color: var(--warn); border-color: currentcolor; }
.tag.bad { color: var(--danger); border-color: currentcolor; }
.lags { display: flex; flex-wrap: wrap; gap: 2px 10px; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 176px), 1fr)); gap: 1px; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.facts > div { box-shadow: 0 0 0 1px var(--line); padding: 7px 10px; min-width: 0; }
.facts dt { font-size: 12px; color: var(--muted); }
.facts dd { overflow-wrap: anywhere; font-size: 14px; }
.empty { border: 1px dashed var(--line-strong); border-radius: 8px; padding: 28px 16px; text-align: center; display: flex; flex-direction: column; gap: 8px; align-items: center; }
.meter { height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; }
.meter > span { display: block; height: 100%; background: var(--accent); }

dialog { width: min(576px, calc(100vw - 24px)); max-height: calc(100dvh - 32px); padding: 0; border: 1px solid var(--line); border-radius: 10px; background: var(--raised); color: var(--text); box-shadow: var(--shadow); overflow: auto; }
dialog::backdrop { background: rgb(10 14 20 / 45%); }
dialog > form { display: flex; flex-direction: column; gap: 12px; padding: 16px; }
dialog .buttons { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: 8px; }
dialog ul.lost { padding-inline-start: 18px; list-style: disc; }
.notices { position: absolute; inset: auto 12px 12px auto; display: flex; flex-direction: column; gap: 6px; z-index: 2; max-width: min(416px, calc(100% - 24px)); pointer-events: none; }
.notice { background: var(--text); color: var(--bg); padding: 8px 12px; border-radius: 8px; overflow-wrap: anywhere; }

@container console (max-width: 720px) {
  .console { grid-template: auto auto auto minmax(0, 1fr) / minmax(0, 1fr); }
  nav { border-inline-end: 0; border-bottom: 1px solid var(--line); padding: 4px 6px; }
  nav ul { flex-flow: row wrap; gap: 0; }
  nav button { white-space: nowrap; padding: 5px 8px; gap: 5px; }
  main { grid-row: 4; padding: 12px 10px 20px; }
  .grid .minor { display: none; }
  th, td { padding: 5px 7px; }
  thead th, thead th.number { white-space: normal; }
  tbody th { min-width: 140px; }
}
@container frame (max-width: 420px) {${stacked('.small')}}
@container frame (max-width: 700px) {${stacked('.large')}}
@media (prefers-reduced-motion: no-preference) {
  .notice { animation: appear 160ms ease-out; }
  @keyframes appear { from { opacity: 0; transform: translateY(6px); } }
}
`
