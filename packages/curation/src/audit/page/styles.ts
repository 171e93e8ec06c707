/** What the audit's page has besides the styles of all reports. */
export const auditStyles = `
.evidence{display:flex;flex-wrap:wrap;gap:12px;margin:0 0 22px;padding:0;list-style:none}
.evidence>li{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:10px;display:flex;gap:10px;max-width:100%}
.post{width:150px;font-size:.78rem;line-height:1.4}
.post img,.post .none{display:block;width:150px;height:104px;object-fit:contain;background:var(--line);border-radius:6px}
.post .none{display:grid;place-items:center;color:var(--soft)}
.post p{margin:6px 0 0;overflow-wrap:anywhere;display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:4;overflow:hidden}
.post .where{color:var(--soft)}
h3{font-size:1rem;margin:26px 0 4px}
.histograms{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(330px,100%),1fr));gap:14px}
.bars{display:flex;align-items:flex-end;gap:4px;height:110px}
.bin{flex:1;display:flex;align-items:flex-end;gap:1px;height:100%}
.bin i{flex:1;min-width:2px;border-radius:2px 2px 0 0;height:calc(var(--h)*1%)}
.real{background:var(--plot-real)}
.fake{background:var(--plot-fake)}
.edges{display:flex;gap:4px;font-size:.68rem;color:var(--soft);font-variant-numeric:tabular-nums}
.edges span{flex:1;overflow:hidden}
.key{font-size:.8rem;color:var(--soft);margin:6px 0 0}
.key i{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:4px}
.meter{display:inline-block;width:90px;height:8px;border-radius:4px;background:var(--line);vertical-align:middle;margin-right:8px;overflow:hidden}
.meter i{display:block;height:100%;width:calc(var(--h)*1%);background:var(--plot-accent)}
@media (max-width:480px){
table,tbody,tbody tr,tbody th,tbody td{display:block}
thead{display:none}
caption{display:block}
.scroll{overflow-x:visible}
tbody tr{border-bottom:1px solid var(--line);padding:8px 0}
tbody th,tbody td,tbody td.number{border:0;padding:2px 0;min-width:0;text-align:left;white-space:normal;overflow-wrap:anywhere}
tbody td.number{display:inline-block;margin-right:14px}
tbody .number+td:not(.number){padding-left:0}
tbody td:empty{display:none}
tbody td[data-heading]:not([data-heading=""])::before{content:attr(data-heading) ": ";color:var(--soft)}
.evidence>li{flex-wrap:wrap}
.evidence .post{width:calc(50% - 5px);min-width:0}
.evidence .post img,.evidence .post .none{width:100%}
.evidence>li:has(.post:only-child) .post{width:100%;max-width:240px}
nav a,.post,p,h3{overflow-wrap:anywhere}
}
`;
