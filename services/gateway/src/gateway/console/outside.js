// 省外转学 (Article 24): the province office enters what a school or an authority of another province says, with its paper.
import { action, api, ask, finding, h, toast } from "./core.js";
import { papers, takenOff } from "./papers.js";

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
const PAPER = "外省出具的书面材料（转学联系函、接收证明或核准文件）";
const scans = () => { const one = papers(PAPER, true); return { ...one, send: async () => (await one.send()).map((file) => ({ ...file, kind: "official_document" })) }; };

// Looked at first, as always; the papers with the sending.
export async function leave() {
  const values = await ask({ title: "录入外省学校的转学申请", confirm: "检查", wide: true, text: "本省学生转往外省。按外省来函填写，先检查是否符合规定，不会提交。", fields: [...pupilFields(), ...schoolFields, ...paperFields()] });
  if (!values) return;
  const body = { pupil: pupil(values), grade: Number(values.grade), document: document_(values),
    school: { division: values.there_division, name: values.school, authority: values.authority, code: values.code ?? "", special_education: values.special_education === "yes" } };
  const checked = await api("/v1/outside-transfers/outward/prechecks", { method: "POST", body });
  const shown = checked.decision.findings.filter((f) => f.outcome !== "pass" && !f.fields?.includes("evidence"));
  const against = shown.filter((f) => f.outcome === "refuse");
  if (against.length) { await ask({ title: "还不能办理", confirm: "", text: "请按下面的办法处理。", wide: true, body: against.map(finding) }); return; }
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
  ["外省材料", `${t.outside.document.issuer} ${t.outside.document.number}（${t.outside.document.issued_on}）`]];

export const enteredFor = (s) => s.entered_for && h("div", { class: "muted" }, `由省教育厅为${s.entered_for}录入${s.document ? `：${s.document.issuer} ${s.document.number}（${s.document.issued_on}）` : ""}`);
