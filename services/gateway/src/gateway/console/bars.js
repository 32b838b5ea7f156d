// Numbers as bars, a line each: what it is, the bar, the numbers in words. For more than a handful of lines.
import { h, svg } from "./core.js";

const WIDE = 1000;

// `rows`: [{ name, href, values, text }]; `series`: [[title, kind]], one a value, laid end to end. `kind` is a colour's class.
export function bars(caption, series, rows, most = 25) {
  const shown = rows.slice(0, most);
  const sum = (row) => row.values.reduce((all, one) => all + one, 0);
  const longest = Math.max(1, ...shown.map(sum));
  const bar = (row) => {
    let at = 0;
    return svg("svg", { viewBox: `0 0 ${WIDE} 16`, preserveAspectRatio: "none", class: "bar-line", "aria-hidden": "true" }, row.values.map((value, i) => {
      const x = at, width = (value / longest) * WIDE;
      at += width;
      return value > 0 && svg("rect", { x, y: 0, width, height: 16, class: `bar-of ${series[i][1]}` }, svg("title", {}, `${series[i][0]} ${value}`));
    }));
  };
  const words = (row) => series.map(([title], i) => `${title} ${row.values[i]}`).join("，") + (row.text ? `，${row.text}` : "");
  return h("figure", { class: "figure bars" },
    h("figcaption", null, caption, "　", series.map(([title, kind]) => h("span", { class: "legend" }, h("span", { class: `key bar-of ${kind}` }), title))),
    h("ul", null, shown.map((row) => h("li", null, row.href ? h("a", { href: row.href }, row.name) : h("span", null, row.name), bar(row), h("span", { class: "muted" }, words(row))))),
    rows.length > shown.length && h("p", { class: "muted" }, `图中为前 ${shown.length} 个，其余 ${rows.length - shown.length} 个见下表。`));
}
