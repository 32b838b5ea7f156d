// Ways into a school beside the placement by zone: deferral (6), migrant children (7), private schools (8), international pupils (9).
import { action, api, ask, badge, facts, fill, finding, h, paged, query, table, toast, today } from "./core.js";
import { countyField } from "./choosing.js";
import { papers, stepList } from "./papers.js";
import { session } from "./session.js";
import { SEXES } from "./words.js";

const KINDS = [["deferrals", "延缓入学"], ["migrants", "随迁子女就学"], ["internationals", "国际学生就读"]];
const AT = {
  deferrals: { list: (q) => api(`/v1/deferrals${query(q)}`), one: (id) => api(`/v1/deferrals/${id}`), decide: (id, how) => api(`/v1/deferrals/${id}/decisions`, how) },
  migrants: { list: (q) => api(`/v1/migrant-applications${query(q)}`), one: (id) => api(`/v1/migrant-applications/${id}`), decide: (id, how) => api(`/v1/migrant-applications/${id}/decisions`, how) },
  internationals: { list: (q) => api(`/v1/international-applications${query(q)}`), one: (id) => api(`/v1/international-applications/${id}`), decide: (id, how) => api(`/v1/international-applications/${id}/decisions`, how) },
};
const STATES = { open: ["办理中", "warn"], approved: ["已同意", "good"], rejected: ["未同意", "bad"] };
const STEPS = { school: "学校审核", authority: "主管部门审核" };
const CHILD_STATES = { waiting: "待安排", placed: "已安排学校", deferred: "已批准延缓入学", left: "已移出名单" };
const STAGE = { name: "stage", label: "学段", options: [["primary", "小学"], ["junior", "初中"]] };
const RESIDENT = [["1", "居民身份证"], ["6", "香港特区护照/身份证明"], ["7", "澳门特区护照/身份证明"], ["8", "台湾居民来往大陆通行证"]];
const FOREIGN = [["A", "护照"], ["9", "外国人永久居留身份证"]];

export async function applicationsPage(place) {
  const parts = KINDS.map(([kind, title]) => [kind, title, h("div", { class: "card" })]);
  const [deferrals, migrants, internationals] = parts.map(([, , list]) => list);
  const own = session.has("registrar") ? (await api(`/v1/organisations/${session.get().account.organisation}`)).organisation : {};
  const admitted = h("div");
  fill(place, h("div", { class: "row" }, session.has("authority_officer") && action("受理随迁子女申请", () => migrant(migrants)),
    session.has("registrar") && action("受理延缓入学申请", () => deferral(deferrals)),
    own.accepts_international && action("受理国际学生申请", () => international(internationals)),
    own.ownership === "private" && action("录取民办学校新生", () => privately(admitted), { class: "primary" })), admitted,
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

// Who the child is and where it lives.
const childFields = (documents, where) => [
  { name: "name", label: "儿童姓名", required: true, maxlength: 60 }, { name: "sex", label: "性别", options: Object.entries(SEXES) }, { name: "birth_date", label: "出生日期", type: "date", required: true, max: today() },
  ...(documents.length > 1 ? [{ name: "document_kind", label: "身份证件类型", options: documents }] : []), { name: "document_number", label: documents.length > 1 ? "身份证件号" : "居民身份证号", required: true, maxlength: 30, autocomplete: "off" },
  countyField({ name: "division", label: `${where}县（市、区）`, required: true }), { name: "address", label: `${where}地址`, required: true, maxlength: 200 },
  { name: "guardian", label: "监护人", required: true, maxlength: 60 }, { name: "phone", label: "监护人电话", required: true, maxlength: 30 }];
const childOf = ({ name, sex, birth_date, document_kind = "1", document_number, division, address, guardian, phone }) => ({ name, sex, birth_date, document_kind, document_number, division, address, guardian, phone });

async function migrant(place) {
  const given = kinds([["residence_permit", "居住证（监护人和儿童）"], ["household_register", "户口簿"]]);
  const done = await ask({ title: "受理随迁子女就学申请", confirm: "受理", wide: true, text: "只凭居住证和户口簿，不得要求家长另行提供其他材料。", body: given.fields, fields: [STAGE, ...childFields(RESIDENT.slice(0, 1), "居住")],
    send: async (values) => api("/v1/migrant-applications", { method: "POST", body: { stage: values.stage, child: childOf(values), evidence: await given.send() } }) });
  if (done) { toast("已受理。"); await load("migrants", place); }
}

async function international(place) {
  const given = kinds([["identity_document", "有效身份证件（护照等）的复印件"], ["other", "其他材料"]]);
  const done = await ask({ title: "受理国际学生就读申请", confirm: "受理", wide: true, text: "凭有效身份证件申请；经学校和主管教育行政部门同意后，方可入校就读。", body: given.fields, fields: [STAGE, ...childFields(FOREIGN, "居住")],
    send: async (values) => api("/v1/international-applications", { method: "POST", body: { stage: values.stage, child: childOf(values), evidence: await given.send() } }) });
  if (done) { toast("已受理，等待学校审核。"); await load("internationals", place); }
}

// The child is found by what the guardian brings: a school sees no list of the county's children.
async function deferral(place) {
  const child = await ask({ title: "受理延缓入学申请：核对儿童", confirm: "查找", text: "凭户口簿填写；在县级教育行政部门的适龄儿童名单中查找。", fields: [
    { name: "name", label: "儿童姓名", required: true, maxlength: 60, autocomplete: "off" }, { name: "document_number", label: "身份证件号", required: true, maxlength: 30, autocomplete: "off", placeholder: "完整号码" }],
  send: async (body) => {
    const { items } = await api("/v1/children/searches", { method: "POST", body });
    if (!items.length) throw new Error("本县（市、区）的适龄儿童名单中没有这名儿童。请核对姓名和证件号；确实没有的，请县级教育行政部门先列入名单。");
    return items.find((one) => one.state === "waiting" || one.state === "placed") ?? items[0];
  } });
  if (!child) return;
  const given = kinds([["medical", "诊断证明"], ["other", "其他证明"]]);
  const done = await ask({ title: `受理延缓入学申请：${child.name}`, confirm: "受理", wide: true, text: "因身体原因的，附县级以上教育主管部门指定医疗机构的诊断；其他原因的，附相关证明。",
    body: [facts([["出生日期", child.birth_date], ["性别", SEXES[child.sex]], ["证件号", child.masked_document], ["名单", `${child.school_year}年秋季，${CHILD_STATES[child.state] ?? child.state}`], ["学校", child.school_name]]), given.fields], fields: [
      { name: "cause", label: "原因类别", options: [["health", "身体原因"], ["other", "其他特殊原因"]] }, { name: "institution", label: "指定医疗机构（身体原因的必填）", maxlength: 100 }, { name: "reason", label: "具体原因", type: "textarea", required: true, maxlength: 500 }],
    send: async (body) => api("/v1/deferrals", { method: "POST", body: { ...body, child_id: child.id, evidence: await given.send() } }) });
  if (done) { toast("已受理。"); await load("deferrals", place); }
}

// A private school's pupils: written down one by one, looked at together, admitted all or none.
async function privately(place) {
  const { stage } = await ask({ title: "录取民办学校新生", confirm: "开始", text: "按经批准的招生方案录取，免试入学；报名超过剩余学位的，先按方案随机录取。", fields: [STAGE] }) ?? {};
  if (!stage) return;
  const pupils = [];
  let seen = null;
  const post = (dry_run) => api("/v1/private-admissions", { method: "POST", body: { applicants: pupils, stage, dry_run } });
  const add = async () => {
    const made = await ask({ title: "加一名学生", confirm: "加入名单", wide: true, fields: childFields([...RESIDENT, ...FOREIGN], "住址所在"), send: (values) => childOf(values) });
    if (made) { pupils.push(made); seen = null; draw(); }
  };
  const check = async () => { seen = await post(true); draw(); };
  const admit = async () => {
    if (!await ask({ title: `录取 ${pupils.length} 名学生`, confirm: "录取", text: "录取后占用招生计划的学位；可在“入学安排”中打印通知书。" })) return;
    const done = await post(false);
    toast(`已录取 ${done.items.length} 名学生。`);
    fill(place);
  };
  const faults = (n) => seen?.items[n]?.findings.filter((f) => f.outcome !== "pass") ?? [];
  const against = () => pupils.some((_, n) => faults(n).some((f) => f.outcome === "refuse"));
  const draw = () => fill(place, h("div", { class: "card" }, h("h2", null, `录取名单（${STAGE.options.find(([code]) => code === stage)[1]}）`),
    seen && h("p", { class: against() ? "finding refuse" : "finding note" }, against() ? "有学生不符合要求，请更正后重新检查；没有录取任何人。" : `${pupils.length} 名学生符合要求，剩余学位 ${seen.free} 个。`),
    pupils.length > 0 && table(["学生", "性别", "出生日期", "监护人", "检查结果", ""], pupils.map((p, n) => [p.name, SEXES[p.sex], p.birth_date, p.guardian, seen ? (faults(n).length ? faults(n).map(finding) : badge("符合", "good")) : "待检查",
      action("移出", () => { pupils.splice(n, 1); seen = null; draw(); }, { class: "danger quiet" })]), "录取名单"),
    h("div", { class: "row" }, action("加一名学生", add, { class: pupils.length ? "" : "primary" }), pupils.length > 0 && !seen && action("检查", check, { class: "primary" }),
      seen && !against() && action(`录取 ${pupils.length} 名`, admit, { class: "primary" }), action("放弃", () => fill(place), { class: "quiet" }))));
  draw();
}
