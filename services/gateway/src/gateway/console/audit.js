// For auditors (clause 45.1): who looked at what, whether the log is whole, what was unusual, the yearly report.
import { action, api, ask, badge, daysAgo, download, empty, facts, fill, filters, h, paged, query, showProblem, table, toast, today, when } from "./core.js";
import { session } from "./session.js";
import { OUTCOMES, ROLES } from "./words.js";

const TABS = [["entries", "记录", entries], ["verification", "校验", verification], ["alerts", "预警", alerts], ["incidents", "安全事件", incidents], ["reports", "年度报告", reports]];
const allowed = ([key]) => session.has("auditor") || key === "incidents" || (key === "reports" && session.has("leader"));

export async function auditPage(place, { id }) {
  const tabs = TABS.filter(allowed);
  const [wanted, account] = (id ?? "").split(":");
  const [key, , draw] = tabs.find(([name]) => name === wanted) ?? tabs[0];
  const body = h("div");
  fill(place, h("div", { class: "head" }, h("h1", null, "审计")),
    h("nav", { class: "tabs", "aria-label": "审计" }, tabs.map(([name, label]) => h("a", { class: "button tab", href: `#/audit/${name}`, "aria-current": name === key && "page" }, label))), body);
  return draw(body, account);
}

const moment = (day, time) => day && new Date(`${day}T${time}+08:00`).toISOString();

function entries(place, account = "") {
  const list = h("div", { class: "card" });
  const load = () => {
    const { since, until, ...rest } = filter.values();
    const wanted = { ...rest, since: moment(since, "00:00:00"), until: moment(until, "23:59:59") };
    return paged(list, (cursor) => api(`/v1/audit/entries${query({ ...wanted, cursor, limit: 50 })}`), (items) => table(
      ["时间", "账号", "行为", "结果", "对象", "来源"], items.map(({ entry: e, title, organisation_name, day, number, hash }) => [
        h("div", null, when(e.at), h("div", { class: "muted" }, `${day} 第 ${number} 条`)),
        h("div", null, e.name || e.account || "（未登录）", h("div", { class: "muted" }, [e.account, e.roles.map((role) => ROLES[role] ?? role).join("、"), organisation_name].filter(Boolean).join("，"))),
        h("div", null, title, e.purpose && h("div", { class: "muted" }, `用途：${e.purpose}`)),
        badge(OUTCOMES[e.outcome] ?? e.outcome, e.outcome === "done" ? "good" : "warn"),
        objects(e), h("details", null, h("summary", null, e.address || "—"), facts([["操作", e.operation], ["会话", e.session], ["追踪号", e.trace_id], ["行为代码", e.act], ["原因代码", e.reasons?.join("、")], ["链值", hash]])),
      ]), "审计记录"), "没有这样的记录。");
  };
  const filter = filters([
    { name: "account", label: "账号", maxlength: 100, value: account },
    { name: "object_id", label: "对象标识", maxlength: 100, placeholder: "学籍、名册、账号等" },
    { name: "organisation", label: "单位代码", pattern: "\\d{6}|\\d{10}", maxlength: 10 },
    { name: "outcome", label: "结果", options: [["", "全部"], ...Object.entries(OUTCOMES)] },
    { name: "since", label: "从", type: "date", max: today() }, { name: "until", label: "到", type: "date", max: today() },
  ], load);
  fill(place, filter, list);
  return load();
}

function objects(e) {
  const ids = e.objects ?? [];
  if (!ids.length) return "—";
  if (ids.length === 1) return h("code", { class: "id" }, ids[0]);
  return h("details", null, h("summary", null, `${e.count} 个`), ids.slice(0, 100).map((id) => h("div", null, h("code", { class: "id" }, id))),
    ids.length > 100 && h("p", { class: "muted" }, "只列前 100 个"));
}

async function verification(place) {
  const result = h("div", { "aria-live": "polite" });
  const load = async () => {
    fill(result, empty("正在逐条重算并与签名比对……"));
    try {
      draw(await api(`/v1/audit/verification${query(filter.values())}`));
    } catch (error) {
      fill(result);
      throw error;
    }
  };
  const draw = ({ intact, entries: count, days }) => {
    const faulty = days.filter((day) => day.faults.length);
    fill(result,
      h("div", { class: `verdict ${intact ? "good" : "bad"}`, role: "status" }, h("b", null, intact ? "✓ 完整" : "✗ 有改动"),
        h("span", null, intact ? `${days.length} 天、${count} 条记录逐条相连，与签名一致，没有被改动、删除或调换。` : `${faulty.length} 天的记录与签名不符。请保护现场，立即报告。`)),
      h("ol", { class: "days", "aria-label": "各天" }, days.map((day) => h("li", {
        class: day.faults.length ? "bad" : day.signed ? "good" : "open", tabindex: 0,
        title: `${day.day}：${day.entries} 条，${day.faults.length ? day.faults.join("；") : day.signed ? "已签名，完整" : "完整，当天结束后签名"}` },
      h("span", null, day.day.slice(5)), h("b", null, day.faults.length ? "✗" : day.signed ? "✓" : "…"), h("small", null, `${day.entries} 条`)))),
      h("p", { class: "muted" }, "✓ 已签名且完整　… 完整，当天结束后签名　✗ 有改动"),
      faulty.map((day) => h("div", { class: "finding refuse" }, h("b", null, day.day), day.faults.map((fault) => h("div", null, fault)))),
      h("details", null, h("summary", null, "每天的根值"), table(["日期", "条数", "根值"], days.map((day) => [day.day, day.entries, h("code", { class: "id" }, day.root)]), "根值")));
  };
  const filter = filters([{ name: "since", label: "从", type: "date", required: true, value: daysAgo(30), max: today() },
    { name: "until", label: "到", type: "date", required: true, value: today(), max: today() }], load, "校验");
  fill(place, filter, result);
  return load();
}

function alerts(place) {
  const open = h("div", { class: "card" });
  const handled = h("div", { class: "card" });
  const load = () => Promise.all([["open", open, "没有待处理的预警。"], ["handled", handled, "还没有处理过的预警。"]].map(([state, list, none]) =>
    paged(list, (cursor) => api(`/v1/audit/alerts${query({ state, cursor, limit: 50 })}`), (items) => table(["预警", "账号", "时间", "次数", state === "open" ? "" : "结论"], items.map((a) => [
      h("b", null, a.title), h("div", null, h("a", { href: `#/audit/entries:${a.account}` }, a.account), h("div", { class: "muted" }, a.organisation_name)), when(a.raised_at), a.count,
      state === "open" ? action("处理", () => handle(a, load), { class: "primary" }) : h("div", null, a.conclusion, h("div", { class: "muted" }, `${a.handled_by}，${when(a.handled_at)}`)),
    ]), "预警"), none)));
  fill(place, h("h2", null, "待处理"), open, h("h2", null, "已处理"), handled);
  return load();
}

async function handle(alert, reload) {
  const done = await ask({ title: `处理预警：${alert.title}`, confirm: "登记结论", text: `${alert.account}，${when(alert.raised_at)}，${alert.count} 次`, fields: [
    { name: "conclusion", label: "核查情况与结论", type: "textarea", required: true, maxlength: 2000 },
    { name: "incident", label: "是否违规使用", options: [["", "不是，属正常办理"], ["yes", "是，记为个人信息安全事件"]] }],
  send: ({ conclusion, incident }) => api(`/v1/audit/alerts/${alert.id}/handling`, { method: "POST", body: { conclusion, incident: incident === "yes" } }) });
  if (!done) return;
  toast("已登记。");
  await reload();
}

function incidents(place) {
  const list = h("div", { class: "card" });
  const load = () => paged(list, (cursor) => api(`/v1/incidents${query({ cursor, limit: 50 })}`), (items) => table(["发生日期", "事件", "处置", "登记"], items.map((i) => [
    i.happened_on, h("div", null, h("b", null, i.title), h("div", null, i.description)), i.measures, h("div", null, when(i.reported_at), h("div", { class: "muted" }, i.reported_by)),
  ]), "安全事件"), "没有登记过安全事件。");
  fill(place, h("div", { class: "row end" }, action("登记安全事件", async () => {
    const done = await ask({ title: "登记个人信息安全事件", confirm: "登记", text: "不要写学生姓名和号码。", fields: [
      { name: "happened_on", label: "发生日期", type: "date", required: true, max: today(), value: today() }, { name: "title", label: "名称", required: true, maxlength: 100 },
      { name: "description", label: "经过", type: "textarea", required: true, maxlength: 2000 }, { name: "measures", label: "处置措施", type: "textarea", required: true, maxlength: 2000 }],
    send: (body) => api("/v1/incidents", { method: "POST", body }) });
    if (!done) return;
    await load();
  }, { class: "primary" })), list);
  return load();
}

function reports(place) {
  const year = Number(today().slice(0, 4));
  fill(place, h("div", { class: "card" }, h("h2", null, "未成年人个人信息保护合规审计报告"),
    h("p", { class: "muted" }, "由审计数据生成：按用途的处理、各角色账号、导出、查看完整号码、安全事件。"),
    h("div", { class: "row" }, [year, year - 1, year - 2].map((one) => action(`${one} 年（PDF）`, () => download(`/v1/audit/reports/${one}`).catch(showProblem))))));
}
