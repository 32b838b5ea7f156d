// 待办: what waits for this account over all business, in queues that never overlap, what is due first on top.
import { action, api, badge, facts, fill, filters, h, paged, query, showProblem, table, when } from "./core.js";
import { page } from "./links.js";
import { session } from "./session.js";

export const QUEUES = { overdue: "已逾期", review: "待办理", returned: "退回待补正", supervise: "上级督办" };
const EMPTY = { overdue: "没有逾期的事项。", review: "没有等待您办理的事项。", returned: "没有退回等待补正的事项。", supervise: "所辖单位没有逾期未办的事项。" };
const DUE = [["", "全部期限"], ["0", "今天到期"], ["3", "3 个工作日内到期"], ["5", "5 个工作日内到期"], ["10", "10 个工作日内到期"]];

function due(row) {
  if (row.due_on === null) return "—";
  const left = row.days_left;
  const text = left < 0 || row.queue === "overdue" || row.queue === "supervise" ? `逾期 ${Math.max(-left, 1)} 个工作日` : left === 0 ? "今天到期" : `还有 ${left} 个工作日`;
  const kind = row.queue === "overdue" || row.queue === "supervise" ? "bad" : left <= 3 ? "warn" : "";
  return h("span", null, badge(text, kind), h("div", { class: "muted" }, row.due_on, row.provisional && "（暂定，节假日安排公布后可能调整）"));
}

// How many rows each queue has, and whether there are any.
export async function counted() {
  const { items } = await api("/v1/worklist/counts");
  const rows = Object.fromEntries(Object.keys(QUEUES).map((queue) => [queue, 0]));
  for (const one of items) rows[one.queue] += one.rows;
  return { items, rows, any: items.length > 0 };
}

export async function worklistPage(place, { id }) {
  const { items, rows } = await counted();
  const queue = QUEUES[id] ? id : Object.keys(QUEUES).find((one) => rows[one]) ?? "review";
  const mine = items.filter((one) => one.queue === queue);
  const list = h("div", { class: "card" });
  const load = () => {
    const { kind, due_within, text } = form.values();
    return paged(list, (cursor) => api(`/v1/worklist${query({ queue, kind, due_within, text: text.trim(), cursor, limit: 50 })}`), (found) => table(
      ["事项", "环节", "办理期限", "送到"], found.map((row) => [
        h("div", null, h("a", { href: page(row.link, "#/worklist") }, row.subject), row.count > 1 && ` ${row.count} 名`, h("div", { class: "muted" }, [row.kind_title, row.number].filter(Boolean).join(" · "))),
        h("div", null, row.step_title, row.queue === "supervise" && h("div", { class: "muted" }, row.organisation_name || row.organisation)),
        due(row), when(row.since)]), QUEUES[queue]), EMPTY[queue]);
  };
  const form = filters([
    { name: "kind", label: "业务", options: [["", "全部业务"], ...mine.map((one) => [one.kind, `${one.kind_title}（${one.rows}）`])] },
    { name: "due_within", label: "期限", options: DUE },
    { name: "text", label: "编号或事项", maxlength: 60 }], load);
  const tab = ([key, title]) => h("a", { class: "button tab", href: `#/worklist/${key}`, "aria-current": key === queue && "page" }, title, " ", badge(rows[key], rows[key] && (key === "overdue" || key === "supervise") ? "bad" : ""));
  const soon = mine.reduce((all, one) => all + one.soon, 0);
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "待办"), h("p", { class: "muted" }, "需要您办理的事项，按办理期限排列；办完或他人办完后自动消失。")),
    action("刷新", async () => { await worklistPage(place, { id }); })),
  h("nav", { class: "tabs", "aria-label": "待办队列" }, Object.entries(QUEUES).map(tab)),
  mine.length > 0 && h("div", { class: "card" }, facts([...mine.map((one) => [one.kind_title, one.count > one.rows ? `${one.rows} 项，共 ${one.count} 名` : `${one.rows} 项`]), ["3 个工作日内到期", queue === "review" && soon]])),
  ["overdue", "supervise"].includes(queue) && session.has("authority_officer", "leader") && h("p", null, h("a", { href: "#/late-steps" }, "逾期环节：看哪些单位逾期最多")),
  form, list);
  await load().catch(showProblem);
}
