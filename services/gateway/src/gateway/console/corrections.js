// 更正: key fields and family members' documents by an approved case with evidence; a birth date never (clause 40).
import { action, api, ask, facts, fill, h, paged, query, refuseFor, showProblem, table, toast, when } from "./core.js";
import { paperList, papers, stateBadge, stepList } from "./papers.js";
import { session } from "./session.js";
import { SEXES } from "./words.js";

const STATES = { waits_for_principal: ["待主管校长审核", "warn"], waits_for_authority: ["待主管部门审核", "warn"], returned: ["已退回", "bad"], rejected: ["未同意", "bad"], withdrawn: ["已撤回", ""], applying: ["正在生效", "warn"], applied: ["已生效", "good"], failed: ["不能生效", "bad"] };
const FIELDS = { name: "姓名", sex: "性别", document_kind: "证件类型", document_number: "证件号", member1_document: "成员1证件", member2_document: "成员2证件" };
const NONE = "none"; // a member who has no document any more
const DOCUMENTS = [["", "不更正"], ["1", "居民身份证"], ["6", "香港特区护照/身份证明"], ["7", "澳门特区护照/身份证明"], ["8", "台湾居民来往大陆通行证"], ["9", "境外永久居住证"], ["A", "护照"], ["Z", "其他"]];
const MEMBERS = [1, 2];

// What is to change, as the API wants it: the document of a member is one thing.
function given(values) {
  const own = Object.fromEntries(Object.entries(values).filter(([name, value]) => value && !name.startsWith("member")));
  const members = MEMBERS.filter((slot) => values[`member${slot}_kind`] || values[`member${slot}_number`]).map((slot) => {
    const kind = values[`member${slot}_kind`];
    return kind === NONE ? { slot } : { slot, document_kind: kind, document_number: values[`member${slot}_number`] };
  });
  return members.length ? { ...own, members } : own;
}

export async function correctionsPage(place, { id }) {
  if (id) return correctionPage(place, id);
  const list = h("div", { class: "card" });
  const state = h("select", { "aria-label": "状态", onchange: () => load().catch(showProblem) }, [["", "全部状态"], ...Object.entries(STATES).map(([code, [text]]) => [code, text])].map(([code, text]) => h("option", { value: code }, text)));
  const load = () => paged(list, (cursor) => api(`/v1/corrections${query({ state: state.value, cursor, limit: 50 })}`), (items) => table(
    ["学生", "学校", "更正项目", "申请", "期限", "状态"], items.map((c) => [h("a", { href: `#/corrections/${c.id}` }, c.before.name), c.school_name,
      c.fields.map((name) => FIELDS[name]).join("、"), when(c.opened_at), c.due_on ?? "—", stateBadge(STATES, c.state)]), "关键信息更正"), "没有更正申请。");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "更正"), h("p", { class: "muted" }, "姓名、性别、身份证件和家庭成员的证件凭户口簿等材料更正，经主管校长和主管部门审核。出生日期不予变更。要申请更正，请在“学生”中打开学生。")), state), list);
  return load();
}

const before = (values) => [values.name, SEXES[values.sex], values.masked_document, ...values.members.map((m) => `成员${m.slot}证件 ${m.masked_document || "无"}`)].join("，");

async function correctionPage(place, id) {
  const path = `/v1/corrections/${id}`;
  const draw = (c) => fill(place,
    h("div", { class: "head" }, h("h1", null, `更正：${c.before.name} `, stateBadge(STATES, c.state)), h("a", { class: "button", href: "#/corrections" }, "返回列表")),
    c.problem && h("div", { class: "finding refuse" }, c.problem),
    h("div", { class: "card" }, facts([["学生", h("a", { href: `#/students/${c.student_id}` }, c.before.name)], ["学校", c.school_name], ["更正项目", c.fields.map((name) => FIELDS[name]).join("、")],
      ["原内容", before(c.before)], ["更正为", before(c.after)], ["理由", c.reason], ["申请", `${c.opened_by}，${when(c.opened_at)}`], ["办理期限", c.due_on]]), paperList(c.evidence), acts(c)),
    stepList(c.steps));
  const reload = async () => draw(await api(path));
  const decide = (c, decision, label, danger) => action(label, async () => {
    const done = await ask({ title: label, confirm: label, danger, text: `${before(c.before)} → ${before(c.after)}`, fields: [{ name: "reason", label: decision === "approve" ? "意见" : "原因（学校会看到）", type: "textarea", required: decision !== "approve", maxlength: 500 }],
      send: ({ reason }) => api(`${path}/decisions`, { method: "POST", headers: { "If-Match": `"${c.version}"` }, body: { step: c.waits_for, decision, reason } }) });
    if (done) await reload();
  }, { class: decision === "approve" ? "primary" : danger ? "danger quiet" : "" });
  const acts = (c) => h("div", { class: "row" },
    c.waits_for && session.has(c.waits_for === "principal" ? "principal" : "authority_officer") && [decide(c, "approve", "同意"), decide(c, "return", "退回补正"), decide(c, "reject", "不同意", true)],
    session.has("registrar") && c.state === "returned" && action("补正", () => correct({ id: c.student_id, ...c.before }, c).then((done) => done && reload()), { class: "primary" }),
    session.has("registrar") && (c.waits_for || c.state === "returned") && action("撤回", async () => {
      const done = await ask({ title: "撤回更正", confirm: "撤回", danger: true, fields: [{ name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }], send: (body) => api(`${path}/withdrawal`, { method: "POST", body }) });
      if (done) await reload();
    }, { class: "danger quiet" }));
  await reload();
  return undefined;
}

// Asks for a correction of a student; `returned`: puts that one right instead. Checked first, sent then.
export async function correct(student, returned) {
  const files = papers("证明材料（户口簿、公安机关证明等）", !returned);
  const { form } = await api(`/v1/registrations/${student.id}`).catch(() => ({ form: {} }));
  const family = MEMBERS.filter((slot) => form[`member${slot}_name`]).flatMap((slot) => {
    const who = `成员${slot}（${form[`member${slot}_name`]}）`;
    return [{ name: `member${slot}_kind`, label: `${who}证件类型`, options: [...DOCUMENTS, [NONE, "没有证件（去掉所填的）"]] },
      { name: `member${slot}_number`, label: `${who}证件号`, maxlength: 30, autocomplete: "off", placeholder: "完整号码" }];
  });
  const values = await ask({ title: `申请更正：${student.name}`, confirm: "检查", wide: true, text: "只填要更正的项目。出生日期（含证件号中的出生日期）不予变更。", fields: [
    { name: "name", label: "姓名", maxlength: 60, placeholder: student.name }, { name: "sex", label: "性别", options: [["", "不更正"], ...Object.entries(SEXES)] },
    { name: "document_kind", label: "证件类型", options: DOCUMENTS }, { name: "document_number", label: "证件号", maxlength: 30, autocomplete: "off", placeholder: "完整号码" }, ...family],
    send: async (filled) => {
      const { decision } = await api("/v1/corrections/prechecks", { method: "POST", body: { student_id: student.id, values: given(filled) } });
      refuseFor(decision.findings.filter((f) => f.outcome === "refuse" && !(returned && f.code === "correction.already_open")));
      return filled;
    } });
  if (!values) return null;
  const done = await ask({ title: "提交更正申请", confirm: "提交", body: files.field, fields: [{ name: "reason", label: "更正理由", type: "textarea", required: true, maxlength: 500, value: returned?.reason ?? "" }],
    send: async ({ reason }) => {
      const body = { values: given(values), reason, evidence: await files.send() };
      return returned
        ? api(`/v1/corrections/${returned.id}/resubmission`, { method: "POST", headers: { "If-Match": `"${returned.version}"` }, body })
        : api("/v1/corrections", { method: "POST", body: { student_id: student.id, ...body } });
    } });
  if (done) toast("已提交，等待学籍主管校长审核。");
  return done;
}
