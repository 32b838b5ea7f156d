// The statutory calendar (24.6.4): a year's days off and worked weekends, the notices that were published, and a new one: what
// it would move is looked at first.
import { action, api, ask, badge, empty, facts, fill, finding, h, newKey, paged, query, svg, table, toast, today, when } from "./core.js";
import { session } from "./session.js";

const PROVINCE = "230000";
const BASE = "/v1/policy/working-days";
const DAY = 86_400_000;
const LOOK = "测算影响";
const SOURCES = { published: ["已发布", "good"], release: ["系统自带", ""], none: ["尚未发布", "warn"] };
const WEEK = ["日", "一", "二", "三", "四", "五", "六"];
const publishes = () => session.get().account.organisation === PROVINCE && session.has("authority_officer", "leader");
const iso = (time) => new Date(time).toISOString().slice(0, 10);

export async function workingDaysPage(place, head) {
  const now = Number(today().slice(0, 4));
  const card = h("div", { class: "card" });
  const list = h("div", { class: "card" });
  const years = [now - 1, now, now + 1];
  const year = h("select", { "aria-label": "年份", onchange: () => load() }, years.map((one) => h("option", { value: one, selected: one === now }, `${one}年`)));
  fill(place, head("法定工作日", "办理期限按工作日计算。每年的放假和调休按国务院办公厅的通知发布；发布后，未办结的期限重新计算，提醒和督办随之改变。", h("label", { class: "row" }, "年份", year)), card, list);
  async function load() {
    const view = await api(`${BASE}${query({ year: year.value })}`);
    const source = { ...view, title: view.title || (view.source === "release" ? "系统自带的往年安排" : "") };
    fill(card, h("div", { class: "head" }, h("h2", null, `${view.year}年 `, badge(...SOURCES[view.source])),
      publishes() && view.year >= now && action(view.version ? "更正" : "发布", async () => { if (await propose(view)) await load(); }, { class: "primary" })),
      view.provisional && h("p", { class: "finding note", role: "note" }, `${view.year}年的节假日安排还没有发布，期限只按周六、周日计算，标为“暂定”，发布后重新计算。`),
      facts([["依据", source.title && `${source.title}${view.notice ? `（${view.notice}）` : ""}`], ["版本", view.version ? `第${view.version}版` : ""], ["发布", view.published_at && `${view.published_by}，${when(view.published_at)}`], ["全年工作日", `${view.working_days} 天${view.provisional ? "（暂定）" : ""}`]]),
      yearPicture(view.year, view.holidays, view.worked));
    await notices();
  }
  const notices = () => paged(list, (cursor) => api(`${BASE}/notices${query({ cursor, limit: 20 })}`), (items) => table(["年份", "通知", "放假", "调休上班", "发布", "状态"], items.map((n) => [`${n.days.year}年`,
    h("div", null, n.title, h("div", { class: "muted" }, n.notice)), ranges(n.days.holidays), ranges(n.days.worked) || "无", h("div", null, n.published_by, h("div", { class: "muted" }, when(n.published_at))),
    badge(`第${n.version}版${n.in_force ? "，执行中" : "，已更正"}`, n.in_force ? "good" : "")]), "历次发布的节假日安排"), "还没有发布过。往年的安排由系统自带。");
  await load();
}

// Twelve months of a year, as many beside each other as can be read; days off and worked weekends in colours of their own, and
// told in words to whoever cannot see them.
function yearPicture(year, holidays, worked) {
  const off = new Set(holidays);
  const on = new Set(worked);
  const cell = 20;
  const month = (m) => {
    const first = Date.UTC(year, m, 1);
    const shift = new Date(first).getUTCDay();
    const days = new Date(Date.UTC(year, m + 1, 0)).getUTCDate();
    return svg("svg", { viewBox: `0 0 ${7 * cell} 158`, class: "chart" }, svg("text", { x: 3, y: 14, class: "axis" }, `${m + 1}月`), WEEK.map((name, n) => svg("text", { x: n * cell + 3, y: 31, class: "axis" }, name)),
      Array.from({ length: days }, (_, n) => {
        const text = iso(first + n * DAY);
        const at = shift + n;
        const kind = off.has(text) ? "before" : on.has(text) ? "after" : "";
        const [x, y] = [(at % 7) * cell, 36 + Math.floor(at / 7) * cell];
        return [kind && svg("rect", { x, y, width: cell - 2, height: cell - 2, rx: 3, class: kind }), svg("text", { x: x + (n < 9 ? 6 : 2), y: y + 14, class: kind ? `on-bar ${kind}` : "axis" }, `${n + 1}`)];
      }));
  };
  const label = `${year}年，放假${off.size}天：${ranges(holidays) || "无"}；调休上班${on.size}天：${ranges(worked) || "无"}`;
  return h("figure", { class: "figure" }, h("figcaption", null, h("span", { class: "key before" }), "放假 ", h("span", { class: "key after" }), "周末上班"),
    h("div", { class: "year", role: "img", "aria-label": label }, Array.from({ length: 12 }, (_, m) => month(m))));
}

// Days one after another as a stretch, as the notice has them.
function ranges(days) {
  const found = [];
  for (const day of [...days].sort()) {
    const last = found.at(-1);
    if (last && Date.parse(day) - Date.parse(last[1]) === DAY) last[1] = day;
    else found.push([day, day]);
  }
  return found.map(([from, to]) => (from === to ? from : `${from}至${to}`)).join("，");
}

// What was typed: days, or stretches with 至 between them; commas, spaces and lines between both.
function daysOf(text, label) {
  const found = [];
  for (const part of text.replace(/\s*至\s*/g, "至").split(/[\s,，、;；]+/).filter(Boolean)) {
    const [from, to = from] = part.split("至");
    const [a, b] = [Date.parse(`${from}T00:00:00Z`), Date.parse(`${to}T00:00:00Z`)];
    if (!/^\d{4}-\d\d-\d\d$/.test(from) || !/^\d{4}-\d\d-\d\d$/.test(to) || Number.isNaN(a) || Number.isNaN(b) || iso(a) !== from || iso(b) !== to || b < a || b - a > 60 * DAY)
      throw new Error(`${label}中的“${part}”不是日期。请写成 2027-02-05 或 2027-02-05至2027-02-12。`);
    for (let day = a; day <= b; day += DAY) found.push(iso(day));
  }
  return found;
}

async function propose(view) {
  const effect = h("div", { class: "effect" });
  let seen = "";
  let key = "";
  const done = await ask({
    title: `${view.version ? "更正" : "发布"}${view.year}年节假日安排`, wide: true, confirm: LOOK,
    text: `按国务院办公厅的通知填写全年的安排。${view.first_day}以前的日期已按原来的安排计算，不能再改变。先测算影响，看过之后再发布。`,
    fields: [
      { name: "holidays", label: "全部放假日期（包括其中的周六、周日）", type: "textarea", required: true, value: ranges(view.holidays), grow: true, hint: "如 2027-01-01至2027-01-03，2027-02-05至2027-02-12" },
      { name: "worked", label: "调休上班的周六、周日", type: "textarea", value: ranges(view.worked), grow: true },
      { name: "notice", label: "通知的文号", maxlength: 60, hint: "如 国办发明电〔2026〕8号；发布时必填", value: view.notice },
      { name: "title", label: "通知的标题", maxlength: 200, grow: true, value: view.title || `国务院办公厅关于${view.year}年部分节假日安排的通知` },
    ], body: effect,
    send: async (given) => {
      const body = { year: view.year, holidays: daysOf(given.holidays, "放假日期"), worked: daysOf(given.worked ?? "", "调休上班日期") };
      const now = JSON.stringify(body);
      if (seen !== now) { // what is published is what was looked at
        fill(effect, empty("正在测算……"));
        const found = await api(`${BASE}/simulations`, { method: "POST", body }).catch((error) => { fill(effect); throw error; });
        const refused = found.findings.length > 0;
        fill(effect, effectOf(found), !refused && h("p", { class: "finding note" }, "测算完成，什么都还没有改变。核对影响后，填写文号，再按“发布”。"));
        const form = effect.closest("form");
        const button = form.querySelector("button.primary");
        if (!refused) [seen, key, button.textContent] = [now, newKey(), "发布"];
        form.oninput = ({ target }) => { if (target.name === "holidays" || target.name === "worked") [seen, button.textContent] = ["", LOOK]; };
        throw new Error(refused ? "不能这样发布，请修改。" : ""); // the dialog stays open
      }
      if (!given.notice.trim()) throw new Error("请填写通知的文号。");
      return api(`${BASE}/notices`, { method: "POST", body: { ...body, notice: given.notice.trim(), title: given.title.trim(), replaces: view.version || null }, headers: { "Idempotency-Key": key } });
    },
  });
  if (done) toast(`已发布${done.days.year}年的安排（第${done.version}版），未办结的期限正在重新计算。`);
  return Boolean(done);
}

function effectOf(found) {
  return [found.findings.map(finding),
    h("div", { class: "tiles" }, h("div", { class: "tile" }, h("b", null, `${found.working_days_before} → ${found.working_days_after}`), h("span", null, "全年工作日")),
      h("div", { class: "tile" }, h("b", null, `${found.moved}`), h("span", null, `件改变期限（共 ${found.open} 件在办）`))),
    facts([["改为放假", ranges(found.added)], ["改为上班", ranges(found.removed)]]),
    found.not_counted.length > 0 && h("p", { class: "finding note" }, `${found.not_counted.join("、")}暂时没有答复，没有计算在内。可以稍后再测算。`),
    found.moves.length > 0 && h("details", { open: true }, h("summary", null, "哪些期限会改变"), table(["业务", "主管部门", "现在的期限", "改变后", "件数"],
      found.moves.slice(0, 50).map((m) => [m.kind_title, m.authority_name || "—", m.was, m.becomes, m.count]), "哪些期限会改变"), found.moves.length > 50 && h("p", { class: "muted" }, "只显示件数最多的 50 行。"))];
}
