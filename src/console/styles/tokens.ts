/** Colours, by theme: custom properties that the rest of the styles uses, and an app may set. */
const light = `
  color-scheme: light;
  --bg: #ffffff;
  --surface: #f5f6f8;
  --raised: #ffffff;
  --line: #d8dde4;
  --line-strong: #7d8794;
  --text: #1a1f26;
  --muted: #545e6b;
  --accent: #1458c8;
  --accent-soft: #e4edfc;
  --on-accent: #ffffff;
  --danger: #b3261e;
  --danger-soft: #fdeceb;
  --on-danger: #ffffff;
  --ok: #17692f;
  --warn: #7d5100;
  --warn-soft: #fff4dc;
  --shadow: 0 8px 30px rgb(20 30 45 / 22%);
  --edge: rgb(20 30 45 / 26%);
`

const dark = `
  color-scheme: dark;
  --bg: #13161a;
  --surface: #1a1e24;
  --raised: #20252c;
  --line: #333a44;
  --line-strong: #7b8694;
  --text: #e5e9ee;
  --muted: #a0abb8;
  --accent: #82b1ff;
  --accent-soft: #1d2c44;
  --on-accent: #0a1a35;
  --danger: #ff9b92;
  --danger-soft: #3a2120;
  --on-danger: #3a0b08;
  --ok: #76d495;
  --warn: #efc163;
  --warn-soft: #362b14;
  --shadow: 0 8px 30px rgb(0 0 0 / 55%);
  --edge: rgb(140 160 190 / 34%);
`

/** The theme of the system, unless the attribute `theme` says which. */
export const tokens = `
:host { ${light} }
@media (prefers-color-scheme: dark) { :host(:not([theme='light'])) { ${dark} } }
:host([theme='dark']) { ${dark} }
`
