// 注销: an officer proposes on one of five grounds, the leader decides; records that must not be cancelled (clauses 18, 22).
import { action, api, ask, facts, fill, h, paged, query, refuseFor, showProblem, table, toast, today, when } from "./core.js";
import { paperList, papers, stateBadge, stepList } from "./papers.js";
import { session } from "./session.js";

const STATES = { proposed: ["待分管局长决定", "warn"], rejected: ["未同意", ""], withdrawn: ["已撤回", ""], cancelled: ["已注销", "bad"], reinstating: ["正在恢复", "warn"], reinstated: ["已恢复", "good"] };
const GROUNDS = [["fraud", "弄虚作假、冒名顶替骗取入学资格"], ["out_of_area", "违反属地化招生原则、违规跨区域招生"], ["finished", "义务教育阶段已毕业、结业"], ["other_violation", "其他违反招生政策和实施细则的行为"]];
const PROTECTIONS = { missing: "失踪", criminal: "被追究刑事责任", compulsory: "被采取强制性教育措施" };
const isOfficer = () => session.has("authority_officer");

export async function cancellationsPage(place, { id }) {
  if (id) return cancellationPage(place, id);
  const list = h("div", { class: "card" });
  const kept = h("div", { class: "card" });
  const state = h("select", { "aria-label": "状态", onchange: () => load().catch(showProblem) }, [["", "全部状态"], ...Object.entries(STATES).map(([code, [text]]) => [code, text])].map(([code, text]) => h("option", { value: code }, text)));
  const load = () => paged(list, (cursor) => api(`/v1/cancellations${query({ state: state.value, cursor, limit: 50 })}`), (items) => table(
    ["学生", "学校", "情形", "提出", "状态"], items.map((c) => [h("a", { href: `#/cancellations/${c.id}` }, c.student_name), c.school_name, c.ground_title, `${c.proposed_by}，${when(c.proposed_at)}`, stateBadge(STATES, c.state)]), "注销"), "没有注销。");
  const protections = () => paged(kept, (cursor) => api(`/v1/protections${query({ cursor, limit: 50 })}`), (items) => table(
    ["学生", "学校", "原因", "自", "登记", ""], items.map((p) => [h("a", { href: `#/students/${p.student_id}` }, p.student_name), p.school_name, PROTECTIONS[p.kind], p.since, `${p.registered_by}，${when(p.registered_at)}`,
      isOfficer() && action("解除", () => end(p).then((done) => done && protections()), { class: "quiet" })]), "学籍保护"), "没有受保护的学籍。");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "注销"), h("p", { class: "muted" }, "学籍只能由学校的主管教育行政部门注销：学籍主管提出，分管局长决定。双重学籍在“查重”中处理。")), state), list,
    h("h2", null, "受保护、不得注销的学籍"), kept);
  await Promise.all([load(), protections()]);
  return undefined;
}

const end = (p) => ask({ title: `解除学籍保护：${p.student_name}`, confirm: "解除", text: "原因消除后，学校应及时安排学生复学。", fields: [
  { name: "ended_on", label: "原因消除日期", type: "date", required: true, max: today(), value: today() }, { name: "reason", label: "情况", type: "textarea", required: true, maxlength: 500 }],
send: (body) => api(`/v1/protections/${p.id}/ending`, { method: "POST", body }) });

async function cancellationPage(place, id) {
  const path = `/v1/cancellations/${id}`;
  const reason = (label) => [{ name: "reason", label, type: "textarea", required: true, maxlength: 500 }];
  const draw = (c) => fill(place,
    h("div", { class: "head" }, h("h1", null, `注销：${c.student_name} `, stateBadge(STATES, c.state)), h("a", { class: "button", href: "#/cancellations" }, "返回列表")),
    c.problem && h("div", { class: "finding refuse" }, c.problem),
    h("div", { class: "card" }, facts([["学生", h("a", { href: `#/students/${c.student_id}` }, c.student_name)], ["学校", c.school_name], ["情形", c.ground_title], ["违反条款", c.violated && `第${c.violated}条`],
      ["保留的学籍", c.kept_id && h("a", { href: `#/students/${c.kept_id}` }, "查看")], ["疑似重复", c.duplicate_id && h("a", { href: `#/duplicates/${c.duplicate_id}` }, "查看")], ["理由", c.reason], ["提出", `${c.proposed_by}，${when(c.proposed_at)}`], ["决定期限", c.due_on]]),
    paperList(c.evidence), acts(c)), stepList(c.steps));
  const reload = async () => draw(await api(path));
  const act = (label, what, props, options) => action(label, async () => { if (await ask({ title: label, confirm: label, ...options, send: (body) => api(`${path}/${what}`, { method: "POST", ...props(body) }) })) await reload(); }, { class: options.danger ? "danger quiet" : "primary" });
  const acts = (c) => h("div", { class: "row" },
    session.has("leader") && c.state === "proposed" && [
      act("同意注销", "decisions", ({ reason: text }) => ({ headers: { "If-Match": `"${c.version}"` }, body: { decision: "approve", reason: text } }), { text: `${c.student_name}的学籍将被注销（${c.ground_title}）。`, danger: true, fields: [{ name: "reason", label: "意见", type: "textarea", maxlength: 500 }] }),
      act("不同意", "decisions", ({ reason: text }) => ({ headers: { "If-Match": `"${c.version}"` }, body: { decision: "reject", reason: text } }), { fields: reason("原因") })],
    isOfficer() && c.state === "proposed" && act("撤回", "withdrawal", (body) => ({ body }), { danger: true, fields: reason("原因") }),
    session.has("leader") && c.state === "cancelled" && act("恢复学籍", "reinstatement", (body) => ({ body }), { text: "由作出注销决定的部门的上级部门办理；注销后没有其他变动的，原样恢复。", fields: reason("恢复的理由") }));
  await reload();
  return undefined;
}

// Proposes to cancel a student's record. Checked first, sent then.
export async function cancel(student) {
  const files = papers("查实材料", true);
  const body = await ask({ title: `提出注销：${student.name}`, confirm: "检查", danger: true, text: "只限第二十二条的情形；转学、休学、退学、出国、辍学等不得以注销代替。", fields: [
    { name: "ground", label: "情形", options: GROUNDS }, { name: "violated", label: "违反的条款（“其他违反”时填写，如 20.1）", maxlength: 8 }, { name: "reason", label: "查实的情况", type: "textarea", required: true, maxlength: 500 }],
    send: async (given) => {
      const found = { student_id: student.id, ...given, violated: given.violated || null };
      const { decision } = await api("/v1/cancellations/prechecks", { method: "POST", body: found });
      refuseFor(decision.findings.filter((f) => f.outcome === "refuse"));
      return found;
    } });
  if (!body) return;
  const done = await ask({ title: "提出注销", confirm: "提交", danger: true, text: "提交后由分管局长决定。", body: files.field, send: async () => api("/v1/cancellations", { method: "POST", body: { ...body, evidence: await files.send() } }) });
  if (!done) return;
  toast("已提出，等待分管局长决定。");
  location.hash = `#/cancellations/${done.id}`;
}

// Registers why a record must be kept.
export async function protect(student) {
  const files = papers("学校的报告", true);
  const done = await ask({ title: `登记学籍保护：${student.name}`, confirm: "登记", text: "保护期间学籍保留，任何部门不得注销。", body: files.field, fields: [
    { name: "kind", label: "原因", options: Object.entries(PROTECTIONS) }, { name: "since", label: "离校日期", type: "date", required: true, max: today(), value: today() }, { name: "report", label: "学校报告的情况", type: "textarea", required: true, maxlength: 500 }],
  send: async (body) => api("/v1/protections", { method: "POST", body: { student_id: student.id, ...body, evidence: await files.send() } }) });
  if (done) toast("已登记学籍保护。");
}
