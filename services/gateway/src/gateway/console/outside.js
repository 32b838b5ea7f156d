// 省外转学 (Article 24): the province office enters what a school or an authority of another province says, with its paper.
import { action, api, ask, finding, h, refuseFor, toast } from "./core.js";
import { papers, takenOff } from "./papers.js";
import { session } from "./session.js";

const OFFICE = "230000";
const GROUNDS = [["residence_changed", "随监护人工作变动，居住地变更"], ["household_moved", "户籍随家长迁移"], ["migrant_child", "随迁子女"], ["special_education", "特殊教育学校与普通学校随班就读互转"]];
const GRADES = ["一", "二", "三", "四", "五", "六", "七", "八", "九"].map((name, i) => [String(i + 1), `${name}年级`]);
const DIVISION = { pattern: "\\d{6}", maxlength: 6, minlength: 6, inputmode: "numeric" };

export const isOffice = (account) => account.organisation === OFFICE;

const paperFields = (old = {}) => [
  { name: "document_number", label: "外省材料的文号", required: true, maxlength: 100, value: old.number ?? "" },
  { name: "issued_on", label: "材料日期", type: "date", required: true, value: old.issued_on ?? "" },
  { name: "issuer", label: "出具单位", required: true, maxlength: 100, value: old.issuer ?? "" },
];
const document_ = (v) => ({ number: v.document_number, issued_on: v.issued_on, issuer: v.issuer });

const pupilFields = (t) => [
  { name: "name", label: "学生姓名", required: true, maxlength: 60, autocomplete: "off", value: t?.name ?? "" },
  { name: "number", label: "学生证件号或学籍号", required: true, minlength: 4, maxlength: 30, autocomplete: "off", hint: "姓名和号码须与学籍完全一致" },
  { name: "ground", label: "转学理由", options: GROUNDS, value: t?.ground ?? "residence_changed" },
  { name: "division", label: "现居住地县（市、区）代码", required: true, ...DIVISION, value: t?.residence?.division ?? "" },
  { name: "address", label: "现居住地址", required: true, minlength: 2, maxlength: 200, value: t?.residence?.address ?? "" },
  { name: "household_division", label: "迁移后户籍地县（市、区）代码（户籍迁移时填写）", pattern: "\\d{6}", maxlength: 6 },
  { name: "household_address", label: "迁移后户籍地址（户籍迁移时填写）", maxlength: 200 },
  { name: "guardian", label: "监护人姓名", required: true, maxlength: 60, value: t?.guardian ?? "" },
  { name: "phone", label: "监护人手机号", required: true, type: "tel", pattern: "1\\d{10}|0\\d{9,11}", maxlength: 12, autocomplete: "off", hint: "监护人凭办理编号和后四位查询进度" },
  { name: "alone_in_household", label: "学生是否单独立户", options: [["", "否"], ["yes", "是"]] },
];
const pupil = (v) => ({
  name: v.name, number: v.number, ground: v.ground, residence: { division: v.division, address: v.address }, guardian: v.guardian, phone: v.phone,
  household: v.household_division && v.household_address ? { division: v.household_division, address: v.household_address } : null, alone_in_household: v.alone_in_household === "yes" });

const schoolFields = [
  { name: "there_division", label: "外省学校所在县（市、区）代码", required: true, ...DIVISION, hint: "国家行政区划代码，6 位" },
  { name: "school", label: "外省学校全称", required: true, maxlength: 100 },
  { name: "authority", label: "外省学校的主管教育行政部门", required: true, maxlength: 100 },
  { name: "code", label: "外省学校标识码（材料上有的填写）", maxlength: 20 },
  { name: "special_education", label: "学校类别", options: [["", "普通学校"], ["yes", "特殊教育学校"]] },
  { name: "grade", label: "转入年级", options: GRADES },
];
const thereOf = (v) => ({ division: v.there_division, name: v.school, authority: v.authority, code: v.code ?? "", special_education: v.special_education === "yes" });

// Of a precheck: what is to be shown with the application; what refuses it stays in the form. `near`: how schools with places are
// shown; `own`: what is found of the very case that is corrected.
export function toBeShown(checked, near = () => null, own = () => false) {
  const shown = checked.decision.findings.filter((f) => f.outcome !== "pass" && !f.fields?.includes("evidence") && !own(f));
  refuseFor(shown.filter((f) => f.outcome === "refuse"), near(checked.nearby ?? []));
  return { checked, shown };
}

// ---- a child comes from another province -------------------------------------------------------------------------------

const DOCUMENTS = [["1", "居民身份证"], ["6", "香港特区护照/身份证明"], ["7", "澳门特区护照/身份证明"], ["8", "台湾居民来往大陆通行证"], ["9", "境外永久居住证"], ["A", "护照"], ["Z", "其他"]];
const familyFields = (t) => pupilFields(t).filter((field) => !["name", "number"].includes(field.name));
const childFields = [
  { name: "name", label: "学生姓名", required: true, maxlength: 60, autocomplete: "off", hint: "与身份证、户口簿一致" },
  { name: "sex", label: "性别", options: [["1", "男"], ["2", "女"]] },
  { name: "birth_date", label: "出生日期", type: "date", required: true },
  { name: "document_kind", label: "证件类型", options: DOCUMENTS },
  { name: "document_number", label: "证件号码", required: true, minlength: 4, maxlength: 30, autocomplete: "off" },
  { name: "student_number", label: "外省学籍号（不清楚的可以不填）", maxlength: 30, autocomplete: "off", hint: "正式学籍号为 G 加身份证号，终身不变；临时学籍号（L、J）按外省材料填写" },
];
const family = (v) => { const { name, number, ...rest } = pupil(v); return rest; };

// The receiving school with the guardian; looked at first, as always.
export async function arrive(expected, near) {
  const looked = await ask({ title: "由外省转入", confirm: "检查", wide: true, text: "学籍在外省的学生转入本校。先检查是否符合规定，不会提交。各方核准后，由本校为学生建籍。",
    fields: [...childFields, ...schoolFields.map((field) => field.name === "grade" ? { ...field, label: "在外省的就读年级（转入年级相同）" } : field), ...familyFields({ residence: { division: session.get().account.organisation.slice(2, 8) } })],
    send: async (values) => {
      const body = { ...family(values), grade: Number(values.grade),
        child: { name: values.name, sex: values.sex, birth_date: values.birth_date, document_kind: values.document_kind, document_number: values.document_number, student_number: values.student_number ?? "" },
        school: thereOf(values) };
      return { body, ...toBeShown(await api("/v1/outside-transfers/inward/prechecks", { method: "POST", body }), near) };
    } });
  if (!looked) return;
  const { body, checked, shown } = looked;
  const exception = shown.some((f) => f.outcome === "needs_override");
  const files = checked.evidence.map((paper) => ({ kind: paper.kinds[0], ...papers(paper.title, true) }));
  const done = await ask({ title: "提交由外省转入的申请", confirm: "提交", wide: true,
    text: exception ? "有“原则上”不予办理的情形，须写明理由，由本校主管部门决定。" : "符合规定，请上传材料后提交。外省学校和主管部门的意见由省教育厅录入。",
    body: [shown.map(finding), expected(checked.steps), exception && near(checked.nearby), files.map((one) => one.field)],
    fields: exception ? [{ name: "exception", label: "确需办理的理由", type: "textarea", required: true, maxlength: 500 }] : [],
    send: async (more) => api("/v1/outside-transfers/inward", { method: "POST", body: { ...body, exception: more.exception ?? "",
      evidence: (await Promise.all(files.map(async (one) => (await one.send()).map((file) => ({ ...file, kind: one.kind }))))).flat() } }) });
  if (!done) return;
  toast(`已提交，编号 ${done.number}。请告知监护人：凭编号和手机号后四位可查询进度。`);
  location.hash = `#/transfers/${done.id}`;
}

const OF_FAMILY = { residence: "房产证", residence_permit: "居住证", household_register: "户口簿", transfer_application: "转学申请" };

// Who the child is stays: the form of every correction has a name and a number, which say nothing here.
export const correctInward = (t, after) => action("补正", async () => {
  const files = papers("补充的材料（没有补充的不用上传）");
  await after(await ask({ title: "补正由外省转入的申请", confirm: "提交", wide: true, body: files.field, text: "学生、外省学校和年级不能更改；有误的，撤回后重新申请。",
    fields: [...familyFields(t), { name: "paper", label: "补充材料的种类", options: Object.entries(OF_FAMILY) }, takenOff(t, OF_FAMILY),
      { name: "exception", label: "确需办理的理由（有“原则上”情形时填写）", type: "textarea", maxlength: 500, value: t.exception ?? "" }].filter(Boolean),
    send: async (v) => api(`/v1/transfers/${t.id}/resubmission`, { method: "POST", headers: { "If-Match": `"${t.version}"` },
      body: { ...family(v), name: t.name, number: t.number, record_moves: true, agreed: false, exception: v.exception ?? "", taken_off: v.taken_off ?? [],
        evidence: (await files.send()).map((file) => ({ ...file, kind: v.paper })) } }) }));
}, { class: "primary" });

const PAPER = "外省出具的书面材料（转学联系函、接收证明或核准文件）";
const scans = () => { const one = papers(PAPER, true); return { ...one, send: async () => (await one.send()).map((file) => ({ ...file, kind: "official_document" })) }; };

// Looked at first, as always; the papers with the sending.
export async function leave() {
  const looked = await ask({ title: "录入外省学校的转学申请", confirm: "检查", wide: true, text: "本省学生转往外省。按外省来函填写，先检查是否符合规定，不会提交。", fields: [...pupilFields(), ...schoolFields, ...paperFields()],
    send: async (values) => {
      const body = { pupil: pupil(values), grade: Number(values.grade), document: document_(values), school: thereOf(values) };
      return { body, ...toBeShown(await api("/v1/outside-transfers/outward/prechecks", { method: "POST", body })) };
    } });
  if (!looked) return;
  const { body, shown } = looked;
  const files = scans();
  const done = await ask({ title: "提交外省学校的申请", confirm: "提交", wide: true, text: "提交后，外省主管部门的决定须由省教育厅的另一位工作人员录入。", body: [shown.map(finding), files.field],
    send: async () => api("/v1/outside-transfers/outward", { method: "POST", body: { ...body, evidence: await files.send() } }) });
  if (!done) return;
  toast(`已提交，编号 ${done.number}。`);
  location.hash = `#/transfers/${done.id}`;
}

// What the other province has decided: by its paper, by somebody else than who entered the application.
export const said = (t, asked, after) => [["approve", "录入外省同意", "primary"], ["return", "录入外省退回", ""], ["reject", "录入外省不同意", "danger quiet"]].map(([decision, label, look]) => action(label, async () => {
  const files = scans();
  await after(await ask({ title: `${label}：${t.name}`, confirm: "提交", wide: true, danger: decision === "reject", body: files.field, text: `${t.waits_for_title}。按外省出具的材料填写。`,
    fields: [...paperFields(), ...(decision === "return" ? [{ name: "asks", label: "需要更正或补充的（只能是这些）", type: "checks", value: [], options: asked }] : []), { name: "reason", label: "意见或原因", type: "textarea", maxlength: 500, required: decision !== "approve" }],
    send: async (v) => api(`/v1/outside-transfers/${t.id}/decisions`, { method: "POST", headers: { "If-Match": `"${t.version}"` },
      body: { step: t.waits_for, decision, document: document_(v), evidence: await files.send(), reason: v.reason ?? "", asks: v.asks ?? [] } }) }));
}, { class: look }));

export const correctOutward = (t, after) => action("补正", async () => {
  const files = papers("补充的外省材料（没有补充的不用上传）");
  await after(await ask({ title: "补正转往外省的申请", confirm: "提交", wide: true, body: files.field, text: "学生、学校和年级不能更改。", fields: [...pupilFields(t), ...paperFields(t.outside.document), takenOff(t, { official_document: "外省材料" })].filter(Boolean),
    send: async (v) => api(`/v1/outside-transfers/outward/${t.id}/resubmission`, { method: "POST", headers: { "If-Match": `"${t.version}"` },
      body: { pupil: pupil(v), document: document_(v), evidence: (await files.send()).map((file) => ({ ...file, kind: "official_document" })), taken_off: v.taken_off ?? [] } }) }));
}, { class: "primary" });

export const withdrawOutward = (t, after) => action("撤回", async () => after(await ask({ title: "撤回转往外省的申请", confirm: "撤回", danger: true,
  fields: [{ name: "by_guardian", label: "由谁提出", options: [["", "外省学校"], ["yes", "监护人"]] }, { name: "reason", label: "原因（对方会看到）", type: "textarea", required: true, maxlength: 500 }],
  send: ({ by_guardian, reason }) => api(`/v1/outside-transfers/outward/${t.id}/withdrawal`, { method: "POST", body: { reason, by_guardian: by_guardian === "yes" } }) })), { class: "danger quiet" });

// Of the case's page: whose side is outside, and by which paper it asked.
export const outsideFacts = (t) => !t.outside ? [] : [
  [t.outside.side === "to" ? "转往外省" : "由外省转入", `${t.outside.province_name}（${t.outside.school.division}）${t.outside.school.name}，主管部门：${t.outside.school.authority}`],
  ["外省材料", t.outside.document && `${t.outside.document.issuer} ${t.outside.document.number}（${t.outside.document.issued_on}）`],
  ["外省学籍号", t.outside.number_kind && (t.outside.former_number || `${t.outside.number_kind} 开头的${t.outside.number_kind === "G" ? "正式" : "临时"}学籍号`)]];

// All have approved that a child comes: its school makes the record.
export const awaited = (t) => t.state === "moving" && t.outside?.side === "from";

export const enteredFor = (s) => s.entered_for && h("div", { class: "muted" }, `由省教育厅为${s.entered_for}录入${s.document ? `：${s.document.issuer} ${s.document.number}（${s.document.issued_on}）` : ""}`);
