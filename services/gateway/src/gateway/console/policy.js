// Policy parameters (clause 49): what holds here and who set it, a proposal with its effect first, filings for the province.
import { action, api, ask, badge, empty, facts, fill, finding, h, newKey, paged, query, showProblem, svg, table, toast, when } from "./core.js";
import { session } from "./session.js";
import { workingDaysPage } from "./working_days.js";

const STANDINGS = { future: ["待生效", "warn"], in_force: ["执行中", "good"], replaced: ["已被代替", ""], withdrawn: ["已撤回", ""], returned: ["备案被退回", "bad"] };
const FILINGS = { waiting: ["待备案", "warn"], acknowledged: ["已备案", "good"], returned: ["已退回", "bad"], withdrawn: ["已撤回", ""] };
const PROVINCE = "230000";
const own = () => session.get().account.organisation;
const sets = () => session.has("authority_officer", "leader");
const clause = (id, text) => h("span", { class: "clause", title: text }, `第${id}条`);
const said = (p, value) => (value === null || value === undefined ? "—" : p.kind === "number" ? `${value} ${p.unit}` : value);
const range = (p, low, high) => (low === null && high === null ? "" : low === null ? `不高于 ${said(p, high)}` : high === null ? `不低于 ${said(p, low)}` : `${low} 至 ${said(p, high)}`);
const read = (p, text) => (text === "" ? null : p.kind === "number" ? Number(text) : text);
const short = (name) => name.replace("黑龙江省", "") || name;

export async function policyPage(place, { id }) {
  if (id === "filings") return filingsPage(place);
  if (id === "history") return historyPage(place);
  if (id === "workdays") return workingDaysPage(place, head);
  return parametersPage(place);
}

function head(title, text, ...more) {
  const here = location.hash.split("/")[2] ?? "";
  const tabs = [["", "执行中的参数"], ["history", "历次发布"], ["workdays", "法定工作日"], ...(sets() ? [["filings", "备案"]] : [])];
  return [h("div", { class: "head" }, h("div", null, h("h1", null, title), h("p", { class: "muted" }, text)), h("div", { class: "row" }, more)),
    h("nav", { class: "tabs", "aria-label": "政策参数" }, tabs.map(([to, name]) => h("a", { class: "tab", href: `#/policy${to && `/${to}`}`, "aria-current": to === here && "page" }, name)))];
}

// ---- what holds here -------------------------------------------------------------------------------------------------

async function parametersPage(place) {
  const list = h("div");
  const terms = h("div", { class: "card" });
  const on = h("input", { type: "date", "aria-label": "看这一天的", onchange: () => load().catch(showProblem) });
  fill(place, head("政策参数", "上级规定范围，本级在范围内设定；发布后最早次日生效，历次的值永久保存。", h("label", { class: "row" }, "看这一天的", on)), terms, list);
  async function load() {
    const view = await api(`/v1/policy/parameters${query({ on: on.value })}`);
    const year = await api("/v1/policy/calendar");
    fill(terms, h("h2", null, `${year.school_year}—${year.school_year + 1} 学年校历`), calendarPicture(year), facts([
      ["秋季学期", `${year.autumn_first} 至 ${year.autumn_last}`], ["春季学期", `${year.spring_first} 至 ${year.spring_last}`],
      ["秋季招生入学", `${year.enrolment_first} 至 ${year.enrolment_last}`], ["今天", { autumn: "秋季学期", spring: "春季学期" }[year.term_today] ?? "假期"]]));
    fill(list, h("div", { class: "card" }, h("h2", null, `${view.division_name}，${view.on}`), h("p", { class: "muted" }, `版本 ${view.version}：办理业务的每项决定都写明所依据的版本`),
      table(["参数", "执行的值", "由谁设定", "本级可设定", ""], view.parameters.map((p) => [
        h("div", null, p.title, clause(p.clause, p.clause_text)),
        h("div", null, h("b", null, said(p, p.held.value)), p.coming.map((c) => h("div", { class: "muted" }, `自 ${c.valid_from} 起 ${said(p, c.value)}（${short(c.division_name)}）`))),
        h("div", null, short(p.held.division_name), h("div", { class: "muted" }, `自 ${p.held.valid_from} 起`)),
        p.may_set ? range(p, p.low, p.high) || "不限" : badge("由上级统一规定"),
        sets() && p.may_set && view.division === own() && action("调整", async () => { if (await propose(p, view)) await load(); }),
      ]), "政策参数")));
  }
  await load();
}

// A year from September to August as a line: terms and the enrolment season.
function calendarPicture(year) {
  const begin = Date.parse(`${year.school_year}-07-01`);
  const x = (day) => ((Date.parse(day) - begin) / 86_400_000 / 396) * 1000;
  const bar = (from, to, y, kind, name) => [svg("rect", { x: x(from), y, width: Math.max(x(to) - x(from), 4), height: 18, rx: 4, class: kind }), svg("text", { x: x(from) + 6, y: y + 13, class: `on-bar ${kind}` }, name)];
  const months = Array.from({ length: 13 }, (_, n) => new Date(Date.UTC(year.school_year, 6 + n, 1)));
  return svg("svg", { viewBox: "0 0 1000 84", class: "chart", role: "img", "aria-label": "学年校历" },
    months.map((day) => { const at = x(day.toISOString().slice(0, 10)); return [svg("line", { x1: at, x2: at, y1: 18, y2: 84, class: "grid" }), svg("text", { x: at + 3, y: 13, class: "axis" }, `${day.getUTCMonth() + 1}月`)]; }),
    bar(year.autumn_first, year.autumn_last, 24, "before", "秋季学期"), bar(year.spring_first, year.spring_last, 24, "before", "春季学期"),
    bar(year.enrolment_first, year.enrolment_last, 54, "after", "招生入学"));
}

// ---- a proposal: its effect first -------------------------------------------------------------------------------------

const LOOK = "测算影响";

async function propose(p, view) {
  const effect = h("div", { class: "effect" });
  const kind = p.kind === "number" ? { type: "number", min: p.low ?? 0, max: p.high ?? undefined } : { pattern: p.kind === "time" ? "\\d\\d:\\d\\d" : "\\d\\d-\\d\\d" };
  const hint = p.kind === "number" ? undefined : p.kind === "time" ? "时:分，如 22:00" : "月-日，如 09-01";
  let seen = "";
  let key = "";
  const bodyOf = ({ value, low, high, valid_from }) => ({ key: p.key, value: read(p, value), valid_from, low: read(p, low ?? ""), high: read(p, high ?? "") });
  const done = await ask({
    title: `调整：${p.title}`, wide: true, confirm: LOOK, text: `现在执行 ${said(p, p.held.value)}（${short(p.held.division_name)}设定）。可设定：${range(p, p.low, p.high) || "不限"}。先测算影响，看过之后再发布。`,
    fields: [
      { name: "value", label: `新的值${p.kind === "number" ? `（${p.unit}）` : ""}`, required: true, hint, ...kind },
      { name: "valid_from", label: "生效日期", type: "date", required: true, min: view.first_day, value: view.first_day },
      ...(view.division.endsWith("00") ? [{ name: "low", label: "留给下级的下限", hint: "两项都不填，下级不得另行设定", ...kind, value: p.held.low ?? "" }, { name: "high", label: "留给下级的上限", ...kind, value: p.held.high ?? "" }] : []),
      { name: "basis", label: "依据的文件名称和文号", maxlength: 200, grow: true, hint: "发布时必填" },
    ], body: effect,
    send: async (given) => {
      const body = bodyOf(given);
      const now = JSON.stringify(body);
      if (seen !== now) { // what is published is what was looked at
        fill(effect, empty("正在测算……"));
        const found = await api("/v1/policy/simulations", { method: "POST", body: { ...body, limit: 50 } }).catch((error) => { fill(effect); throw error; });
        const refused = found.findings.length > 0;
        fill(effect, effectOf(p, found), !refused && h("p", { class: "finding note" }, "测算完成，什么都还没有改变。核对影响后，填写依据，再按“发布”。"));
        const form = effect.closest("form");
        const button = form.querySelector("button.primary");
        if (!refused) [seen, key, button.textContent] = [now, newKey(), "发布"];
        form.oninput = ({ target }) => { if (target.name !== "basis") [seen, button.textContent] = ["", LOOK]; };
        throw new Error(refused ? "按规定不能这样发布，请修改。" : ""); // the dialog stays open
      }
      if (!given.basis.trim()) throw new Error("请填写依据的文件名称和文号。");
      return api("/v1/policy/values", { method: "POST", body: { ...body, basis: given.basis }, headers: { "Idempotency-Key": key } });
    },
  });
  if (done) toast(`已发布，自 ${done.valid_from} 起执行。${done.filing ? "已报省级教育行政部门备案。" : ""}`);
  return Boolean(done);
}

function effectOf(p, found) {
  const name = (m) => found.titles.find((t) => t.name === m.name);
  const amount = (m, side) => `${m[side]} ${name(m).unit}${name(m).excess && m[`excess_${side}`] ? `，${name(m).excess} ${m[`excess_${side}`]}` : ""}`;
  const rows = (of) => found.titles.map((t) => of.find((m) => m.name === t.name) ?? { name: t.name, before: 0, after: 0, excess_before: 0, excess_after: 0 });
  return [found.findings.map(finding),
    found.titles.length ? h("div", { class: "tiles" }, rows(found.totals).map((m) => h("div", { class: `tile ${m.after > m.before ? "bad" : m.after < m.before ? "good" : ""}` }, h("b", null, `${m.before} → ${m.after}`), h("span", null, name(m).title)))) : h("p", { class: "muted" }, "这个参数不涉及现有班级、计划和申请，没有可测算的影响。"),
    found.titles.map((t) => countyBars(found.counties, t)),
    found.not_touched.length > 0 && h("p", { class: "muted" }, `${found.not_touched.length} 个县（市、区）执行自己设定的值，不受影响。`),
    found.schools.length > 0 && h("details", null, h("summary", null, `受影响的学校（${found.schools.length}${found.next_cursor ? " 所以上，显示前 50 所" : " 所"}）`),
      table(["学校", ...found.titles.map((t) => t.title)], found.schools.map((s) => [s.school_name, ...rows(s.measures).map((m) => `${amount(m, "before")} → ${amount(m, "after")}`)]), "受影响的学校"))];
}

// By county, as it is and as it would be; those with most first.
function countyBars(counties, title) {
  const found = counties.map((c) => ({ c, m: c.measures.find((m) => m.name === title.name) })).filter(({ m }) => m && (m.before || m.after))
    .sort((a, b) => b.m.after - a.m.after || b.m.before - a.m.before);
  if (!found.length) return null;
  const shown = found.slice(0, 25);
  const most = Math.max(...shown.map(({ m }) => Math.max(m.before, m.after)));
  const width = (n) => (n / most) * 430;
  return h("figure", { class: "figure" }, h("figcaption", null, `${title.title}，按县（市、区）：`, h("span", { class: "key before" }), "现在 ", h("span", { class: "key after" }), "调整后"),
    svg("svg", { viewBox: `0 0 900 ${shown.length * 34 + 4}`, class: "chart", role: "img", "aria-label": `${title.title}，按县（市、区）` }, shown.map(({ c, m }, n) => [
      svg("text", { x: 0, y: n * 34 + 20, class: "axis" }, c.county_name.replace(/^黑龙江省/, "")),
      svg("rect", { x: 250, y: n * 34 + 3, width: width(m.before), height: 11, rx: 2, class: "before" }), svg("rect", { x: 250, y: n * 34 + 17, width: width(m.after), height: 11, rx: 2, class: "after" }),
      svg("text", { x: 258 + width(Math.max(m.before, m.after)), y: n * 34 + 20, class: "axis" }, `${m.before} → ${m.after}${title.excess && m.excess_after ? `（${title.excess} ${m.excess_after}）` : ""}`)])),
    found.length > shown.length && h("p", { class: "muted" }, `另有 ${found.length - shown.length} 个县（市、区）。`));
}

// ---- what was ever published ------------------------------------------------------------------------------------------

async function historyPage(place) {
  const list = h("div", { class: "card" });
  const mine = h("input", { type: "checkbox", onchange: () => load().catch(showProblem) });
  fill(place, head("历次发布", "每一个值都保存，说明由谁、依据什么文件、自何时起。", h("label", { class: "row" }, mine, "只看本级")), list);
  const load = () => paged(list, (cursor) => api(`/v1/policy/values${query({ division: mine.checked ? own() : "", cursor, limit: 50 })}`), (items) => table(
    ["参数", "值", "设定机构", "生效日期", "依据", "状态", ""], items.map((v) => [h("div", null, v.title, clause(v.clause, "")),
      h("div", null, h("b", null, said(v, v.value)), range(v, v.low, v.high) && h("div", { class: "muted" }, `下级：${range(v, v.low, v.high)}`)), short(v.division_name), v.valid_from,
      h("div", null, v.basis, h("div", { class: "muted" }, `${v.published_by}，${when(v.published_at)}`)),
      h("div", null, badge(...STANDINGS[v.standing]), " ", v.filing && badge(...FILINGS[v.filing]), v.successor_due && h("div", { class: "error" }, "备案被退回，须发布新的值"), v.end_reason && h("div", { class: "muted" }, v.end_reason)),
      sets() && v.division === own() && v.standing === "future" && action("撤回", async () => { if (await withdraw(v)) await load(); }, { class: "danger quiet" })]), "历次发布"), "还没有发布过。执行的是实施细则规定的值。");
  await load();
}

async function withdraw(v) {
  const done = await ask({ title: `撤回：${v.title}`, text: `${said(v, v.value)}，自 ${v.valid_from} 起。撤回后不再生效，记录保留。`, confirm: "撤回", danger: true,
    fields: [{ name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }],
    send: (body) => api(`/v1/policy/values/${v.id}/withdrawal`, { method: "POST", body }) });
  if (done) toast("已撤回。");
  return Boolean(done);
}

// ---- filings ------------------------------------------------------------------------------------------------------------

async function filingsPage(place) {
  const list = h("div", { class: "card" });
  const decides = own() === PROVINCE;
  const state = h("select", { "aria-label": "状态", onchange: () => load().catch(showProblem) }, [["", "全部"], ...Object.entries(FILINGS).map(([code, [text]]) => [code, text])].map(([code, text]) => h("option", { value: code, selected: decides && code === "waiting" }, text)));
  fill(place, head("备案", decides ? "各地设定的政策参数报省备案；退回尚未生效的，不再生效。" : "本级和下级设定的政策参数，报省级教育行政部门备案。", state), list);
  const load = () => paged(list, (cursor) => api(`/v1/policy/filings${query({ state: state.value, cursor, limit: 50 })}`), (items) => table(
    ["报备机构", "参数", "值", "生效日期", "依据", "状态", ""], items.map((f) => [short(f.value.division_name), h("div", null, f.value.title, clause(f.value.clause, "")), said(f.value, f.value.value), f.value.valid_from,
      h("div", null, f.value.basis, h("div", { class: "muted" }, when(f.filed_at))),
      h("div", null, badge(...FILINGS[f.state]), f.reason && h("div", { class: "muted" }, f.reason), f.value.successor_due && h("div", { class: "error" }, "已生效，须发布新的值")),
      decides && f.state === "waiting" && h("div", { class: "row" }, action("备案", async () => { await decide(f, { decision: "acknowledge" }); toast("已备案。"); await load(); }, { class: "primary" }),
        action("退回", async () => { if (await sendBack(f)) await load(); }, { class: "danger quiet" }))]), "备案"), "没有备案。");
  await load();
}

const decide = (f, body) => api(`/v1/policy/filings/${f.id}/decisions`, { method: "POST", body, headers: { "If-Match": `"${f.version}"` } });

async function sendBack(f) {
  const done = await ask({ title: `退回：${f.value.title}（${short(f.value.division_name)}）`, text: "尚未生效的不再生效；已经生效的继续执行，由其发布新的值代替。", confirm: "退回", danger: true,
    fields: [{ name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }], send: ({ reason }) => decide(f, { decision: "return", reason }) });
  if (done) toast("已退回。");
  return Boolean(done);
}
