// 转学统计 (24.6.5): what a city reports of its transfers each term, filed with the province; who has filed and who is late.
import { bars } from "./bars.js";
import { action, api, ask, badge, download, empty, facts, fill, filters, finding, h, query, table, toast, when } from "./core.js";
import { session } from "./session.js";

const TERMS = { spring: "春季", autumn: "秋季" };
const COUNTS = [["transfers_in", "转入"], ["transfers_out", "转出"], ["within", "其中市内互转"], ["from_outside", "其中外省转入"], ["to_outside", "其中转往外省"], ["overridden", "突破“原则上”规定"], ["late", "有环节逾期"]];
const SERIES = [["转入", "into"], ["转出", "out"]];
const MOST = 200; // lines of the long table; all of them are in the workbook
const termName = (r) => `${r.year}年${TERMS[r.term]}学期`;
const own = () => session.get().account.organisation;
const isCity = (code) => code.endsWith("00") && !code.endsWith("0000");
const address = (code, r) => `#/transfer-reports/${code}.${r.year}.${r.term}`;

export async function transferReportsPage(place, { id }) {
  const [code, year, term] = id?.split(".") ?? [];
  if (code && code !== "all") return reportPage(place, code, year, term);
  return listPage(place, { year, term });
}

// ---- all cities of a term --------------------------------------------------------------------------------------------

async function listPage(place, asked) {
  const list = await api(`/v1/transfer-reports${query(asked)}`);
  // Whoever has one report alone comes to it at once.
  if (!own().endsWith("0000")) return reportPage(place, own(), list.year, list.term);
  const filed = list.items.filter((one) => one.state === "submitted");
  const late = list.items.filter((one) => one.overdue);
  fill(place, head("转学统计", "各市（地）每学期汇总转学情况，报省教育厅备案：春季学期3月30日前，秋季学期9月30日前。", h("a", { class: "button", href: "#/late-steps" }, "逾期环节")),
    termChoice(list, (chosen) => { location.hash = address("all", chosen); }),
    h("div", { class: "tiles" }, tile(`${filed.length} / ${list.items.length}`, "已报送"), tile(filed.filter((one) => one.filed_late).length, "其中逾期报送", "warn"), tile(late.length, "逾期未报送", "bad"), tile(list.due_on, `${termName(list)}报送期限`)),
    filed.length > 0 && h("div", { class: "card" }, bars("已报送的转学人数", SERIES, [...filed].sort((a, b) => b.totals.transfers_in + b.totals.transfers_out - a.totals.transfers_in - a.totals.transfers_out)
      .map((one) => ({ name: one.city_name, href: address(one.city, list), values: [one.totals.transfers_in, one.totals.transfers_out] })))),
    h("div", { class: "card" }, list.items.length ? table(["市（地）", "报送", "报送时间", ...COUNTS.map(([, title]) => title)], list.items.map((one) => [
      h("a", { href: address(one.city, list) }, one.city_name), stateOf(one), one.submitted_at ? when(one.submitted_at) : "—", ...COUNTS.map(([key]) => one.totals?.[key] ?? "—")]), `${termName(list)}各市（地）报送情况`) : empty("没有市（地）。")));
  return undefined;
}

const head = (title, text, ...buttons) => h("div", { class: "head" }, h("div", null, h("h1", null, title), h("p", { class: "muted" }, text)), h("div", { class: "row" }, buttons));
const tile = (value, text, kind = "") => h("div", { class: `tile ${value ? kind : ""}` }, h("b", null, value), h("span", null, text));
const stateOf = (one) => (one.state === "submitted" ? badge(one.filed_late ? "逾期报送" : "已报送", one.filed_late ? "warn" : "good") : one.overdue ? badge("逾期未报送", "bad") : badge("未报送"));

// The term that is looked at, and those before it.
function termChoice(shown, go) {
  const terms = [];
  for (let year = Number(shown.year) + 1; year > shown.year - 5 && year >= 2020; year -= 1) for (const term of ["autumn", "spring"]) terms.push([`${year}.${term}`, `${year}年${TERMS[term]}学期`]);
  const form = filters([{ name: "term", label: "学期", options: terms, value: `${shown.year}.${shown.term}` }], async () => {
    const [year, term] = form.values().term.split(".");
    go({ year, term });
  }, "查看");
  return form;
}

// ---- one city, or one county of it -----------------------------------------------------------------------------------

async function reportPage(place, code, year, term) {
  const path = isCity(code) ? `/v1/transfer-reports/${code}/${year}/${term}` : `/v1/transfer-reports/counties/${code}/${year}/${term}`;
  const r = await api(path);
  const mine = isCity(code) && own() === code && session.has("authority_officer", "leader");
  const counties = summed(r.lines, "county", "county_name");
  const open = r.state === "open";
  const name = r.county ? `${r.county_name.replace(/^黑龙江省/, "")}（${r.city_name}）` : r.city_name;
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, `${name}${termName(r)}转学情况 `, stateOf(r)), h("p", { class: "muted" }, `${r.first} 至 ${r.last} 办结的转学${open ? "，数字随办理变化，报送后固定" : ""}`)),
    h("div", { class: "row" }, own() !== code && h("a", { class: "button", href: r.county && own() !== r.county ? address(r.city, r) : address("all", r) }, "返回"), h("a", { class: "button", href: "#/late-steps" }, "逾期环节"),
      action("下载汇总表", () => download(`${path}/workbook`)), mine && open && action("报送省教育厅", async () => { if (await file(path, r, counties)) await reportPage(place, code, year, term); }, { class: "primary" }))),
  termChoice(r, (chosen) => { location.hash = address(code, chosen); }),
  h("div", { class: "tiles" }, tile(r.totals.transfers_in, "转入"), tile(r.totals.transfers_out, "转出"), tile(r.totals.within, "其中市内互转"), tile(r.totals.from_outside, "其中外省转入"), tile(r.totals.to_outside, "其中转往外省"), tile(r.totals.overridden, "突破“原则上”规定", "warn"), tile(r.totals.late, "有环节逾期", "bad")),
  h("div", { class: "card" }, facts([["报送期限", h("span", null, r.due_on, r.overdue && badge("已逾期", "bad"))], ["报送", r.submitted_at && `${r.submitted_by}，${when(r.submitted_at)}`], ["说明", r.note]])),
  r.lines.length ? [
    !r.county && h("div", { class: "card" }, bars("按县（市、区）", SERIES, counties.map((one) => ({ ...line(one), href: isCity(one.key) ? null : address(one.key, r) })))),
    h("div", { class: "card" }, bars("按转学理由", SERIES, summed(r.lines, "ground", "ground_title").map(line))),
    h("div", { class: "card" }, bars("按学校", SERIES, summed(r.lines, "school", "school_name").map(line), 15)),
    !r.county && h("div", { class: "card" }, byCounty(counties, r.totals)),
    h("details", { class: "card" }, h("summary", null, `各校、各转学理由（${r.lines.length} 行）`), table(["主管部门", "学校", "转学理由", "范围", ...COUNTS.map(([, title]) => title)],
      r.lines.slice(0, MOST).map((one) => [one.county_name, one.school_name, one.ground_title, one.outside ? "省外" : "省内", ...COUNTS.map(([key]) => one.figures[key])]), "各校、各转学理由"),
    r.lines.length > MOST && h("p", { class: "muted" }, `这里显示前 ${MOST} 行，全部见汇总表。`))] : empty("这段时间没有办结的转学。"));
}

// Lines added up by one of their keys, those with most first.
function summed(lines, key, name) {
  const found = new Map();
  for (const one of lines) {
    const sum = found.get(one[key]) ?? { key: one[key], name: one[name], ...Object.fromEntries(COUNTS.map(([count]) => [count, 0])) };
    for (const [count] of COUNTS) sum[count] += one.figures[count];
    found.set(one[key], sum);
  }
  return [...found.values()].sort((a, b) => b.transfers_in + b.transfers_out - a.transfers_in - a.transfers_out || (a.key < b.key ? -1 : 1));
}

const line = (one) => ({ name: one.name, values: [one.transfers_in, one.transfers_out], text: [one.overridden && `突破规定 ${one.overridden}`, one.late && `逾期 ${one.late}`].filter(Boolean).join("，") });
const byCounty = (counties, totals) => table(["主管部门", ...COUNTS.map(([, title]) => title)], [...counties.map((one) => [one.name, ...COUNTS.map(([key]) => one[key])]), [h("b", null, "合计"), ...COUNTS.map(([key]) => totals[key])]], "按主管部门");

// What will be filed is shown first, and nothing else is filed than what was shown.
async function file(path, r, counties) {
  const against = r.findings.some((f) => f.outcome === "refuse");
  const done = await ask({ title: `报送${termName(r)}转学情况`, wide: true, confirm: !against && "报送，之后不能更改",
    text: `将报省教育厅备案的内容如下：${r.first} 至 ${r.last} 办结的转学。`,
    body: [r.findings.map(finding), h("div", { class: "tiles" }, COUNTS.map(([key, title]) => tile(r.totals[key], title))), h("div", null, counties.length ? byCounty(counties, r.totals) : empty("没有办结的转学，报送为零。"))],
    fields: against ? [] : [{ name: "note", label: "说明（可以不填）", type: "textarea", maxlength: 500 }],
    send: ({ note }) => api(`${path}/submission`, { method: "POST", body: { note, seen: r.totals } }) });
  if (done) toast("已报送省教育厅备案。");
  return done;
}
