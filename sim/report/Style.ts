/** The report's whole appearance; no font, image or script is loaded from anywhere. */
export const style = `
:root { color-scheme: light; --ink: #1f2937; --faint: #6b7280; --rule: #e5e7eb; --wash: #f8fafc; }
* { box-sizing: border-box; }
body { margin: 0; background: #f1f5f9; color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
main { max-width: 1220px; margin: 0 auto; padding: 32px 24px 64px; }
header { margin-bottom: 24px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 0 0 4px; }
h3 { font-size: 15px; margin: 0 0 8px; }
p { margin: 0 0 10px; max-width: 88ch; }
.lead { font-size: 16px; color: var(--faint); margin: 0; max-width: none; }
.note { color: var(--faint); font-size: 13.5px; max-width: none; }
section { background: #fff; border: 1px solid var(--rule); border-radius: 10px; padding: 22px 24px; margin: 0 0 20px; }
.synthetic { background: #fffbeb; border: 1px solid #f59e0b; border-radius: 10px; padding: 12px 18px; margin: 0 0 20px; }
.tag { background: #fef3c7; color: #92400e; border-radius: 4px; font-size: 12px; padding: 1px 6px; white-space: nowrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--faint); font-size: 12.5px; vertical-align: bottom; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--rule); }
tr:last-child td { border-bottom: 0; }
tr.first td { border-top: 2px solid #cbd5e1; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.name { white-space: nowrap; }
.wrap { overflow-wrap: anywhere; }
code { font: 13px/1.4 ui-monospace, "Liberation Mono", Menlo, Consolas, monospace; }
.chip { display: inline-block; width: 11px; height: 11px; border-radius: 50%; margin-right: 7px; }
.chip.oracle { border-radius: 1px; transform: rotate(45deg) scale(0.85); }
.chip.area { border-radius: 2px; background: #94a3b8; opacity: 0.6; }
.chip.line { border-radius: 0; height: 2px; width: 16px; background: #475569; vertical-align: middle; }
.chip.dot { background: #dc2626; width: 8px; height: 8px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 10px 0 14px; font-size: 13.5px; }
.legend span { white-space: nowrap; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 18px 28px; }
.panel { max-width: 580px; }
.panel:only-child { max-width: 760px; }
svg { display: block; width: 100%; height: auto; }
.policy { display: flex; justify-content: space-between; gap: 16px; margin: 14px 0 2px; font-size: 13.5px; }
dl { margin: 0; display: grid; grid-template-columns: 180px 1fr; gap: 6px 20px; }
dt { font-weight: 600; }
dd { margin: 0; max-width: 92ch; }
ul { margin: 4px 0 0; padding-left: 20px; }
@media print { body { background: #fff; } section { break-inside: avoid; } }
@media (max-width: 700px) { dl { grid-template-columns: 1fr; } .panels { grid-template-columns: 1fr; } }
`
