// The paper archive follows the record (学籍档案移交, clauses 21.2, 48): what one school owes another, handed over and received.
import { action, api, ask, badge, facts, fill, h, newKey, paged, query, svg, table, toast, today } from "./core.js";

const STATES = { to_hand_over: ["待移交", "warn"], to_receive: ["待签收", "warn"], done: ["已签收", "good"] };
const WAYS = { in_person: "专人送交", collected: "接收学校领取", post: "机要或挂号邮寄" };
const state = (one) => (one.overdue ? badge("逾期", "bad") : badge(...STATES[one.state]));

const notYet = (text) => h("span", { class: "muted" }, text);

// One bar: received, on the way, still there.
function bar(one) {
  const pieces = [[one.received, "#2e7d32", "已签收"], [Math.max(0, one.handed - one.received), "#ef9b00", "已移交"], [one.pupils - Math.max(one.handed, one.received), "#b0bec5", "未移交"]];
  let at = 0;
  return svg("svg", { viewBox: "0 0 120 10", width: 120, height: 10, role: "img", "aria-label": `${one.received}/${one.pupils}份已签收` }, ...pieces.filter(([n]) => n > 0).map(([n, fill_, title]) => {
    const x = at, width = (n / (one.pupils || 1)) * 120;
    at += width;
    return svg("rect", { x, y: 0, width, height: 10, fill: fill_ }, svg("title", {}, `${title}${n}份`));
  }));
}

export async function handoversPage(place, { id }) {
  if (id) return onePage(place, id);
  const list = h("div", { class: "card" });
  let wanted = "";
  const choices = [["", "全部未办结"], ["out", "转出"], ["in", "接收"], ["done", "已办结"]].map(([value, text]) => action(text, async (button) => {
    wanted = value;
    for (const one of choices) one.setAttribute("aria-pressed", one === button);
    await show();
  }, { class: "tab", "aria-pressed": String(value === wanted) }));
  const show = () => paged(list, (cursor) => api(`/v1/archive-handovers${query({ ...(wanted === "done" ? { state: "done" } : { direction: wanted || undefined }), cursor, limit: 50 })}`),
    (items) => table(["转出日期", "转出学校", "接收学校", "进度", "签收期限", "状态"], items.map((one) => [
      h("a", { href: `#/archive-handovers/${one.id}` }, one.left_on), one.from_school_name, one.to_school_name, [bar(one), ` ${one.received}/${one.pupils}份`], one.due_on, state(one)]), "纸质学籍档案移交"), "没有需要移交的档案。");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "纸质学籍档案移交"), h("p", { class: "muted" }, "学籍转出以后，纸质档案由转出学校移交、接收学校签收（第二十一条）。期限内没有签收的，列为转出学校的整改事项（第四十八条）；全部签收后自动办结。")),
    h("div", { class: "row", role: "group", "aria-label": "哪些档案" }, choices)), list);
  return show();
}

async function onePage(place, id) {
  const one = await api(`/v1/archive-handovers/${id}`);
  const again = () => onePage(place, id);
  const list = h("div", { class: "card" });
  const chosen = new Set();
  const buttons = [one.may.includes("hand_over") && action("登记移交", async () => { if (await dispatch(one, chosen)) await again(); }, { class: "primary" }),
    one.may.includes("receive") && action("签收", async () => { if (await receipt(one, chosen)) await again(); }, { class: "primary" })];
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, `${one.from_school_name} → ${one.to_school_name}`), h("p", { class: "muted" }, `${one.left_on}转出`)), h("div", null, ...buttons.flatMap((b) => [b, " "]), h("a", { class: "button", href: "#/archive-handovers" }, "返回"))),
    h("div", { class: "card" }, facts([["状态", state(one)], ["签收期限", one.due_on], ["进度", [bar(one), ` 共${one.pupils}份，已移交${one.handed}份，已签收${one.received}份`]]])), list);
  return paged(list, (cursor) => api(`/v1/archive-handovers/${id}/archives${query({ cursor, limit: 100 })}`), (items) => table(["选择", "姓名", "学籍号", "移交", "签收"], items.map((a) => [
    !a.received_on && one.may.length ? pick(a, chosen) : "", a.name, h("code", null, a.student_number),
    a.handed_on ? `${a.handed_on} ${WAYS[a.way]}（${a.carried_by}），登记人${a.handed_by}` : notYet("未移交"), a.received_on ? `${a.received_on}，${a.received_by}` : notYet("未签收")]), "学生名单"), "没有学生。");
}

function pick(archive, chosen) {
  const box = h("input", { type: "checkbox", "aria-label": `选择${archive.name}` });
  box.addEventListener("change", () => (box.checked ? chosen.add(archive.student_id) : chosen.delete(archive.student_id)));
  return box;
}

const whose = (chosen) => (chosen.size ? `所选的${chosen.size}份档案。` : "没有选择学生：办理全部尚未办理的档案。");

function dispatch(one, chosen) {
  const key = newKey();
  return ask({ title: "登记移交", confirm: "登记", text: whose(chosen), fields: [
    { name: "way", label: "移交方式", options: Object.entries(WAYS) }, { name: "carried_by", label: "送交人或邮寄单位", required: true, maxlength: 30 },
    { name: "on", label: "移交日期", type: "date", required: true, value: today(), min: one.left_on, max: today() }],
  send: (given) => api(`/v1/archive-handovers/${one.id}/dispatch`, { method: "POST", body: { ...given, students: [...chosen] }, headers: { "Idempotency-Key": key } }) })
    .then((done) => { if (done) toast("已登记移交。"); return done; });
}

function receipt(one, chosen) {
  const key = newKey();
  return ask({ title: "签收档案", confirm: "签收", text: `核对档案袋与名单以后签收。${whose(chosen)}`, fields: [{ name: "on", label: "签收日期", type: "date", required: true, value: today(), min: one.left_on, max: today() }],
    send: (given) => api(`/v1/archive-handovers/${one.id}/receipt`, { method: "POST", body: { ...given, students: [...chosen] }, headers: { "Idempotency-Key": key } }) })
    .then((done) => { if (done) toast("已签收。"); return done; });
}
