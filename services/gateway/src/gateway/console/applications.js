// Applications beside the placement by zone: deferral (6), migrant children (7), international pupils (9).
import { action, api, ask, badge, facts, fill, h, paged, query, table, toast } from "./core.js";
import { papers, stepList } from "./papers.js";
import { session } from "./session.js";

const KINDS = [["deferrals", "延缓入学"], ["migrants", "随迁子女就学"], ["internationals", "国际学生就读"]];
const AT = {
  deferrals: { list: (q) => api(`/v1/deferrals${query(q)}`), one: (id) => api(`/v1/deferrals/${id}`), decide: (id, how) => api(`/v1/deferrals/${id}/decisions`, how) },
  migrants: { list: (q) => api(`/v1/migrant-applications${query(q)}`), one: (id) => api(`/v1/migrant-applications/${id}`), decide: (id, how) => api(`/v1/migrant-applications/${id}/decisions`, how) },
  internationals: { list: (q) => api(`/v1/international-applications${query(q)}`), one: (id) => api(`/v1/international-applications/${id}`), decide: (id, how) => api(`/v1/international-applications/${id}/decisions`, how) },
};
const STATES = { open: ["办理中", "warn"], approved: ["已同意", "good"], rejected: ["未同意", "bad"] };
const STEPS = { school: "学校审核", authority: "主管部门审核" };

export async function applicationsPage(place) {
  const parts = KINDS.map(([kind, title]) => [kind, title, h("div", { class: "card" })]);
  fill(place, h("div", { class: "row" }, session.has("authority_officer") && action("受理随迁子女申请", () => migrant(parts[1][2])), session.has("registrar") && action("受理延缓入学申请", () => deferral(parts[0][2]))),
    parts.map(([, title, list]) => [h("h2", null, title), list]));
  await Promise.all(parts.map(([kind, , list]) => load(kind, list)));
}

const load = (kind, place) => paged(place, (cursor) => AT[kind].list({ cursor, limit: 50 }), (items) => table(["儿童", "学校", "申请日期", "期限", "状态", "办理"], items.map((a) => [
  [a.name, h("div", { class: "muted" }, a.birth_date)], a.school_name ?? "—", a.asked_on, a.due_on ?? "—", [badge(...STATES[a.state]), a.waits_for && h("div", { class: "muted" }, `等待${STEPS[a.waits_for]}`)],
  mine(a) && action("办理", () => decide(kind, a.id, place))]), "申请"), "没有申请。");

// Files of more than one kind: a field each, sent together.
function kinds(wanted) {
  const all = wanted.map(([kind, label]) => [kind, papers(label)]);
  return { fields: all.map(([, one]) => one.field), send: async () => {
    const found = [];
    for (const [kind, one] of all) for (const file of await one.send()) found.push({ ...file, kind });
    return found;
  } };
}

const mine = (a) => (a.waits_for === "school" && session.has("principal")) || (a.waits_for === "authority" && session.has("authority_officer"));

async function decide(kind, id, place) {
  const a = await AT[kind].one(id);
  const choices = a.kind === "migrant" ? [{ name: "school", label: "安排到（公办优先、相对就近）", options: [["", "（不同意的不选）"], ...a.choices.map((c) => [c.school, `${c.school_name}（${c.ownership === "public" ? "公办" : "民办"}${c.served ? "，学区内" : ""}，余${c.free}）`])] }] : [];
  const done = await ask({ title: `${a.name}：${STEPS[a.waits_for]}`, confirm: "提交", body: [facts([["申请日期", a.asked_on], ["原因", a.content.reason], ["医疗机构", a.content.institution], ["材料", `${a.evidence.length}份`]]), stepList(a.steps)],
    fields: [{ name: "decision", label: "决定", options: [["approve", "同意"], ["reject", "不同意"]] }, ...choices, { name: "reason", label: "原因（不同意的必填）", type: "textarea", maxlength: 500 }],
    send: ({ school, ...body }) => AT[kind].decide(id, { method: "POST", body: { ...body, step: a.waits_for, ...(school && { school }) }, headers: { "If-Match": `"${a.version}"` } }) });
  if (done) { toast("已办理。"); await load(kind, place); }
}

async function migrant(place) {
  const given = kinds([["residence_permit", "居住证（监护人和儿童）"], ["household_register", "户口簿"]]);
  const done = await ask({ title: "受理随迁子女就学申请", confirm: "受理", wide: true, text: "只凭居住证和户口簿，不得要求家长另行提供其他材料。", body: given.fields, fields: [
    { name: "name", label: "儿童姓名", required: true, maxlength: 60 }, { name: "sex", label: "性别", options: [["1", "男"], ["2", "女"]] }, { name: "birth_date", label: "出生日期", type: "date", required: true },
    { name: "document_number", label: "居民身份证号", required: true, maxlength: 30 }, { name: "division", label: "居住地县（市、区）代码", required: true, pattern: "\\d{6}", maxlength: 6 }, { name: "address", label: "居住地址", required: true, maxlength: 200 },
    { name: "guardian", label: "监护人", required: true, maxlength: 60 }, { name: "phone", label: "监护人电话", required: true, maxlength: 30 }],
  send: async (child) => api("/v1/migrant-applications", { method: "POST", body: { child: { ...child, document_kind: "1" }, evidence: await given.send() } }) });
  if (done) { toast("已受理。"); await load("migrants", place); }
}

async function deferral(place) {
  const given = kinds([["medical", "诊断证明"], ["other", "其他证明"]]);
  const done = await ask({ title: "受理延缓入学申请", confirm: "受理", wide: true, text: "因身体原因的，附县级以上教育主管部门指定医疗机构的诊断；其他原因的，附相关证明。", body: given.fields, fields: [
    { name: "child_id", label: "儿童编号（县级教育行政部门名单中的编号）", required: true, maxlength: 64 }, { name: "cause", label: "原因类别", options: [["health", "身体原因"], ["other", "其他特殊原因"]] },
    { name: "institution", label: "指定医疗机构（身体原因的必填）", maxlength: 100 }, { name: "reason", label: "具体原因", type: "textarea", required: true, maxlength: 500 }],
  send: async (body) => api("/v1/deferrals", { method: "POST", body: { ...body, evidence: await given.send() } }) });
  if (done) { toast("已受理。"); await load("deferrals", place); }
}
