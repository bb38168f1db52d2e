"""The style of a report: light and dark, desk, phone and paper."""

CSS = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b2230;--soft:#667085;--line:#e3e7ee;
--good:#0f8a5f;--bad:#c8372d;--l1:#2459d6;--l2:#c2570c;--l3:#0e8a72;--l4:#8b3fc7;--none:#d5dae3;
--t0:#2459d6;--t1:#e07b00;--t2:#0e9f83;--t3:#b4358c;--t4:#7a9a01;--t5:#6d4be0;--t6:#d64545;
--t7:#0b8fc4;--t8:#a8741a;--t9:#4d7c4f;--t10:#d65c9e;--t11:#5d6b85}
@media (prefers-color-scheme:dark){:root{--bg:#11151c;--card:#1a202a;--ink:#e8ecf3;--soft:#96a1b5;
--line:#2c3442;--good:#4cc38a;--bad:#ff7a6e;--l1:#7aa5ff;--l2:#f5a45c;--l3:#4cc9ae;--l4:#c796f5;
--none:#3a4354;--t0:#7aa5ff;--t1:#ffae4a;--t2:#45cfb3;--t3:#ee7fca;--t4:#b5d334;--t5:#a994ff;
--t6:#ff8a8a;--t7:#54c5f0;--t8:#dcae5d;--t9:#8fc492;--t10:#ff9fd0;--t11:#a3b0c9}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1160px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:34px 0 10px}h3{font-size:1rem;margin:0 0 8px;overflow-wrap:anywhere}
p{margin:6px 0}.soft,figcaption{color:var(--soft);font-size:.9rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(118px,1fr));gap:12px;
margin-top:20px}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:12px}
.tile{padding:12px 14px}.tile b{display:block;font-size:1.75rem;line-height:1.2;
font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:.85rem}
.card{padding:14px 16px;margin:0 0 14px;break-inside:avoid}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:14px}
.grid2 .card{margin:0}.grid2>:only-child{max-width:620px}.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.93rem}
th,td{padding:6px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:600}th:first-child,td:first-child{text-align:left}
tr:last-child td{border-bottom:0}tr.all td{font-weight:700}
.up{color:var(--good)}.down{color:var(--bad)}
td small{display:block;font-size:.8rem}
.keys{columns:270px;column-gap:28px;font-size:.93rem;margin:0}
.keys div{display:flex;justify-content:space-between;gap:12px;break-inside:avoid;
border-bottom:1px solid var(--line);padding:4px 2px}
.keys dd{margin:0;overflow-wrap:anywhere;text-align:right;font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{fill:var(--soft);font-size:12.5px}.mid{text-anchor:middle}.end{text-anchor:end}
.grid{stroke:var(--line);stroke-width:1}
[class^=l]{fill:none;stroke-width:2;stroke-linejoin:round}
.l1{stroke:var(--l1)}.l2{stroke:var(--l2)}.l3{stroke:var(--l3)}.l4{stroke:var(--l4)}
.l5{stroke:var(--t3)}.l6{stroke:var(--t4)}.l7{stroke:var(--t6)}.l8{stroke:var(--t11)}
.t0{fill:var(--t0)}.t1{fill:var(--t1)}.t2{fill:var(--t2)}.t3{fill:var(--t3)}
.t4{fill:var(--t4)}.t5{fill:var(--t5)}.t6{fill:var(--t6)}.t7{fill:var(--t7)}
.t8{fill:var(--t8)}.t9{fill:var(--t9)}.t10{fill:var(--t10)}.t11{fill:var(--t11)}
.none{fill:var(--none)}.drop{fill:var(--bad)}.switch{stroke:var(--ink);fill:var(--ink)}
.line svg{min-width:620px}
.key{display:inline-flex;align-items:center;gap:6px;margin-right:16px;white-space:nowrap}
.key i{width:18px;height:10px;border-radius:2px;display:inline-block}
figure{margin:0}figure img{width:100%;border-radius:8px;display:block}figcaption{padding-top:6px}
figure .close{display:none}
figure:target{position:fixed;inset:0;z-index:1;margin:0;border-radius:0;overflow:auto}
figure:target img{max-height:calc(100vh - 80px);object-fit:contain}
figure:target .close{display:inline-block;padding:6px 0}
@media (max-width:520px){main{padding:18px 12px 40px}h1{font-size:1.35rem}.card{padding:12px}
.tiles{grid-template-columns:repeat(4,1fr);gap:8px}.tile{padding:8px 9px}
.tile b{font-size:1.15rem}}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;
--none:#ddd;--good:#0f8a5f;--bad:#c8372d;--l1:#2459d6;--l2:#c2570c;--l3:#0e8a72;--l4:#8b3fc7;
--t0:#2459d6;--t1:#e07b00;--t2:#0e9f83;--t3:#b4358c;--t4:#7a9a01;--t5:#6d4be0;--t6:#d64545;
--t7:#0b8fc4;--t8:#a8741a;--t9:#4d7c4f;--t10:#d65c9e;--t11:#5d6b85}
body{font-size:12px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
main{max-width:none;padding:0}h2{break-after:avoid}.line svg{min-width:0}
.grid2{grid-template-columns:1fr 1fr}.tiles{grid-template-columns:repeat(7,1fr)}
.tile b{font-size:1.2rem}}
"""
