// The picture of a draw: all applicants in the order of their lots, the line behind the last place, whoever went back.
import { h, svg } from "./core.js";

const W = 116, H = 34;
const KINDS = { won: "录取", lost: "未录取", left: "已撤回", waiting: "等待结果" };

// `file`: as it is published; `own`: a code to be marked.
export function drawPicture({ listing, order, winners, left }, own = "") {
  const codes = order.length ? order : [...listing.applicants].sort();
  const done = order.length > 0 || winners.length > 0;
  const kind = (code) => (left.includes(code) ? "left" : winners.includes(code) ? "won" : done ? "lost" : "waiting");
  const wide = innerWidth < 600 ? 3 : 8; // what can be read on a telephone
  const rows = Math.ceil(codes.length / wide);
  const label = done ? `${codes.length} 名申请人中 ${winners.length} 名录取` : `${codes.length} 名申请人，${listing.places} 个学位`;
  return h("figure", { class: "draw" },
    svg("svg", { viewBox: `0 0 ${wide * W} ${rows * H}`, class: "chart lots", role: "img", "aria-label": label }, codes.map((code, i) => {
      const x = (i % wide) * W, y = Math.floor(i / wide) * H;
      return [svg("rect", { x: x + 2, y: y + 2, width: W - 4, height: H - 4, rx: 5, class: `lot ${kind(code)} ${code === own ? "own" : ""}` }),
        svg("text", { x: x + W / 2, y: y + H / 2 + 4, "text-anchor": "middle", class: `on-lot ${kind(code)}` }, `${order.length ? `${i + 1} ` : ""}${code}`)];
    })),
    h("figcaption", null, Object.entries(KINDS).filter(([name]) => codes.some((code) => kind(code) === name)).map(([name, text]) =>
      h("span", null, h("span", { class: `key lot ${name}` }), ` ${text} ${codes.filter((code) => kind(code) === name).length}　`))));
}
