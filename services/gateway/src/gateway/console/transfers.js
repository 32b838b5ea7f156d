// 转学 (Article 24): prechecked, applied for, decided over three steps, sent to another school, taken back.
import { action, api, ask, badge, empty, facts, fill, finding, h, paged, query, showProblem, table, toast, when } from "./core.js";
import { arrive, awaited, correctInward, correctOutward, enteredFor, isOffice, leave, outsideFacts, said, toBeShown, withdrawOutward } from "./outside.js";
import { papers, stateBadge, takenOff } from "./papers.js";
import { PLACEMENTS } from "./search.js";
import { session } from "./session.js";
import { className } from "./words.js";

const STATES = { open: ["办理中", "warn"], returned: ["已退回补正", "bad"], moving: ["学籍转接中", "warn"], completed: ["已转入", "good"], needs_attention: ["转接未完成，待处理", "bad"], rejected: ["未获核准", "bad"], withdrawn: ["已撤回", ""], expired: ["逾期失效", ""] };
const GROUNDS = [["household_moved", "户籍随家长迁移"], ["residence_changed", "随监护人工作变动，居住地变更"], ["house_purchase", "全家在县域内购房迁居"], ["migrant_child", "随迁子女"], ["special_education", "特殊教育学校与普通学校随班就读互转"], ["special_school", "进入或离开专门学校"]];
const STEPS = [["receiving_authority", "转入学校主管部门"], ["releasing_school", "转出学校"], ["releasing_authority", "转出学校主管部门"]];
const FIELDS = { ground: "转学理由", residence: "居住地址", household: "户籍地址", guardian: "监护人姓名", phone: "监护人电话", alone_in_household: "是否单独立户", record_moves: "学籍是否转入", agreed: "是否已经商定", exception: "例外理由" };
const PAPERS = { household_register: "户口簿", residence: "房产证", residence_permit: "居住证", transfer_application: "转学申请", official_document: "书面意见" };
// Papers carry a prefix: "residence" is a field, too.
const ASKED = { ...FIELDS, ...Object.fromEntries(Object.entries(PAPERS).map(([kind, title]) => [`evidence.${kind}`, `材料：${title}`])) };
// Of a case with another province: what its application holds, and its one paper.
const NOT_ACROSS = ["record_moves", "agreed", "exception"];
const asked = (t) => t.outside?.side !== "to" ? Object.entries(ASKED) : [...Object.entries(FIELDS).filter(([name]) => !NOT_ACROSS.includes(name)), ["evidence.official_document", "材料：外省出具的书面材料"]];
const NEARNESS = { zone: "在其学区内", division: "同一县（市、区）", city: "同一市（地）" };
const REASON = { name: "reason", label: "原因（对方会看到）", type: "textarea", required: true, maxlength: 500 };

const stateOf = (t) => t.state === "completed" && t.outside?.side === "to" ? badge("已转往外省", "good") : awaited(t) ? badge("待转入学校建籍", "warn") : stateBadge(STATES, t.state);

export async function transfersPage(place, { id }) {
  if (id) return transferPage(place, id);
  const list = h("div", { class: "card" });
  const choice = (label, options) => h("select", { "aria-label": label, onchange: () => load().catch(showProblem) }, options.map(([code, text]) => h("option", { value: code }, text)));
  const state = choice("状态", [["", "全部状态"], ...Object.entries(STATES).map(([code, [text]]) => [code, text])]);
  const side = choice("方向", [["", "转入和转出"], ["in", "转入"], ["out", "转出"]]);
  const late = choice("期限", [["", "全部期限"], ["true", "已逾期"]]);
  const load = () => paged(list, (cursor) => api(`/v1/transfers${query({ state: state.value, side: side.value, overdue: late.value, cursor, limit: 50 })}`), (items) => table(
    ["学生", "年级", "从", "到", "申请", "等待", "期限", "状态"], items.map((t) => [h("a", { href: `#/transfers/${t.id}` }, t.name), className(t.grade), t.from_school_name, t.to_school_name,
      when(t.opened_at), t.waits_for_title || "—", t.due_on ? h("span", null, t.due_on, t.overdue && badge("逾期", "bad")) : "—", stateOf(t)]), "转学"), "没有转学。");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "转学"), h("p", { class: "muted" }, "由转入学校发起，转入学校主管部门、转出学校、转出学校主管部门依次核准，每个环节不超过 10 个工作日。办理转学不收取任何费用。")),
    session.has("registrar") && h("div", { class: "row" }, action("发起转学", () => apply(), { class: "primary" }), action("由外省转入", () => arrive(expected, near))),
    session.has("authority_officer") && isOffice(session.get().account) && action("录入外省学校的申请", () => leave(), { class: "primary" })), h("div", { class: "row" }, side, state, late), list);
  return load();
}

// ---- the application -------------------------------------------------------------------------------------------------

const form = (old = {}) => [
  { name: "name", label: "学生姓名", required: true, maxlength: 60, autocomplete: "off", value: old.name ?? "" },
  { name: "number", label: "学生证件号或学籍号", required: true, minlength: 4, maxlength: 30, autocomplete: "off", hint: "姓名和号码须与学籍完全一致" },
  { name: "ground", label: "转学理由", options: GROUNDS, value: old.ground ?? "residence_changed" },
  { name: "division", label: "现居住地县（市、区）代码", required: true, pattern: "\\d{6}", maxlength: 6, value: old.residence?.division ?? session.get().account.organisation.slice(2, 8) },
  { name: "address", label: "现居住地址", required: true, minlength: 2, maxlength: 200, value: old.residence?.address ?? "" },
  { name: "household_division", label: "迁移后户籍地县（市、区）代码（户籍迁移时填写）", pattern: "\\d{6}", maxlength: 6 },
  { name: "household_address", label: "迁移后户籍地址（户籍迁移时填写）", maxlength: 200 },
  { name: "guardian", label: "监护人姓名", required: true, maxlength: 60, value: old.guardian ?? "" },
  { name: "phone", label: "监护人手机号", required: true, type: "tel", pattern: "1\\d{10}|0\\d{9,11}", maxlength: 12, autocomplete: "off", hint: "监护人凭办理编号和后四位查询进度" },
  { name: "alone_in_household", label: "学生是否单独立户", options: [["", "否"], ["yes", "是"]] },
  { name: "record_moves", label: "学籍", value: "yes", options: [["yes", "转入本校"], ["", "保留在原学校（仅特教、专门学校）"]] },
  { name: "agreed", label: "原学校与监护人是否已商定（仅专门学校）", options: [["", "不适用"], ["yes", "已商定"]] },
];

function given({ division, address, household_division, household_address, alone_in_household, record_moves, agreed, ...rest }) {
  const household = household_division && household_address ? { division: household_division, address: household_address } : null;
  return { ...rest, residence: { division, address }, household, alone_in_household: alone_in_household === "yes", record_moves: record_moves === "yes", agreed: agreed === "yes" };
}

// The same way for a first application and for one that was returned: looked at first, with papers then.
async function apply(old) {
  const own = (f) => old && ["change.already_open", "pupil.held"].includes(f.code) || f.clause === "23" && old;
  const looked = await ask({ title: old ? "补正转学申请" : "发起转学", confirm: "检查", wide: true, text: "先检查是否符合规定，不会提交。", fields: form(old),
    send: async (values) => {
      const body = given(values);
      const checked = await api("/v1/transfers/prechecks", { method: "POST", body });
      return { body, ...toBeShown(checked, near, own) };
    } });
  if (!looked) return null;
  const { body, checked, shown } = looked;
  const exception = shown.some((f) => f.outcome === "needs_override");
  const has = old?.evidence ?? [];
  const there = (paper) => has.filter((one) => paper.kinds.includes(one.kind)).length;
  const files = checked.evidence.map((paper) => ({ kind: paper.kinds[0], ...papers(there(paper) ? `${paper.title}（已有 ${there(paper)} 份，需要补充或更换时上传）` : paper.title, !there(paper)) }));
  const done = await ask({ title: "提交转学申请", confirm: "提交", wide: true,
    text: exception ? "有“原则上”不予办理的情形，须写明理由，由转入学校主管部门决定。" : "符合规定，请上传材料后提交。只需要下列材料，不得要求其他材料。",
    body: [shown.map(finding), expected(checked.steps), exception && near(checked.nearby), files.map((one) => one.field)],
    fields: [takenOff(old, PAPERS), exception && { name: "exception", label: "确需办理的理由", type: "textarea", required: true, maxlength: 500, value: old?.exception ?? "" }].filter(Boolean),
    send: async (more) => {
      const evidence = (await Promise.all(files.map(async (one) => (await one.send()).map((file) => ({ ...file, kind: one.kind }))))).flat();
      const whole = { ...body, exception: more.exception ?? "", evidence };
      return old
        ? api(`/v1/transfers/${old.id}/resubmission`, { method: "POST", headers: { "If-Match": `"${old.version}"` }, body: { ...whole, taken_off: more.taken_off ?? [] } })
        : api("/v1/transfers", { method: "POST", body: whole });
    } });
  if (!done) return null;
  toast(`已提交，编号 ${done.number}。请告知监护人：凭编号和手机号后四位可查询进度。`);
  if (!old) location.hash = `#/transfers/${done.id}`;
  return done;
}

const expected = (steps) => h("div", { class: "card" }, h("b", null, "最晚办理日期"), h("ol", { class: "journal" }, steps.map((s) => h("li", null, h("b", null, s.title), h("div", { class: "muted" }, `${s.organisation_name}，${s.days} 个工作日，${s.last_day} 前${s.provisional ? "（节假日安排公布后可能调整）" : ""}`)))));
const near = (schools) => schools.length > 0 && h("div", { class: "card" }, h("b", null, "附近有空余学位的公办学校"), h("ul", null, schools.map((one) => h("li", null, `${one.name}：${one.free} 个（${NEARNESS[one.nearness]}）`))));

// ---- one case --------------------------------------------------------------------------------------------------------

// A picture of the way: what is done, what waits, what is still to come.
function way(t) {
  const at = t.waits_for ? STEPS.findIndex(([step]) => step === t.waits_for) : ["moving", "completed", "needs_attention"].includes(t.state) ? STEPS.length : -2;
  const names = ["转入学校申请", ...STEPS.map(([, name]) => name), t.outside?.side === "from" ? "转入学校建籍" : "学籍转入"];
  const here = t.state === "completed" ? names.length : t.state === "returned" ? 0 : at < 0 ? null : at + 1;
  return h("ol", { class: "steps", "aria-label": "办理进度" }, names.map((name, i) => h("li", { class: here !== null && i < here ? "done" : i === here ? "now" : "" }, h("i", null, here !== null && i < here ? "✓" : String(i + 1)), name)));
}

async function transferPage(place, id) {
  const path = `/v1/transfers/${id}`;
  const post = (what, t, body) => api(`${path}/${what}`, { method: "POST", headers: { "If-Match": `"${t.version}"` }, body });
  const reload = async () => draw(await api(path));
  const after = async (done) => { if (done) await reload(); };

  const decide = (t, decision, label, danger) => action(label, async () => {
    const first = t.waits_for === "receiving_authority";
    const principles = t.findings.filter((f) => f.outcome === "needs_override");
    const fields = decision === "approve"
      ? [...(first ? [{ name: "override", label: "“原则上”的规定", options: [["", "不突破"], ["yes", "情况特殊，同意突破（须写明理由）"]], value: principles.length ? "yes" : "" }] : []), { name: "reason", label: "意见", type: "textarea", maxlength: 500 }]
      : [...(decision === "return" ? [{ name: "asks", label: "需要更正或补充的（只能是这些）", type: "checks", value: [], options: asked(t) }] : []), REASON];
    await after(await ask({ title: `${label}：${t.name}`, confirm: label, danger, wide: true, text: `${t.from_school_name} → ${t.to_school_name}，${t.ground_title}`,
      body: decision === "approve" && first && [!t.seat && h("p", { class: "finding needs_override" }, "转入学校没有为该生保留学位：可以改派到其他公办学校，或者同意突破班额。"), principles.map(finding)], fields,
      send: ({ override, reason, asks }) => post("decisions", t, { step: t.waits_for, decision, reason: reason ?? "", override: override === "yes", asks: asks ?? [] }) }));
  }, { class: decision === "approve" ? "primary" : danger ? "danger quiet" : "" });

  const reroute = (t) => action("改派学校", async () => {
    const { items } = await api(`${path}/rooms`);
    if (!items.length) return toast("本部门主管的公办学校都没有空余学位。", "bad");
    return after(await ask({ title: `改派学校：${t.name}`, confirm: "改派", text: "按相对就近原则，由近到远。改派后仍由本部门核准。",
      fields: [{ name: "school", label: "学校", options: items.map((one) => [one.code, `${one.name}（空余 ${one.free}，${NEARNESS[one.nearness]}）`]) }, REASON], send: (body) => post("rerouting", t, body) }));
  });

  const withdraw = (t) => action("撤回", async () => after(await ask({ title: "撤回转学", confirm: "撤回", danger: true, fields: [{ name: "by_guardian", label: "由谁提出", options: [["", "学校"], ["yes", "监护人"]] }, REASON],
    send: ({ by_guardian, reason }) => post("withdrawal", t, { reason, by_guardian: by_guardian === "yes" }) })), { class: "danger quiet" });

  const retry = (t) => action("处理", async () => after(await ask({ title: "处理未完成的学籍转接", confirm: "提交", body: t.problem.map(finding),
    fields: [{ name: "how", label: "处理办法", options: t.outside?.side === "from" && t.student_id ? [["override", "已核实，以本省比对结果为准（须写明原因）"]] : [["", "再次转接"], ...(t.outside?.side === "to" ? [] : [["override", "同意突破班额，再次转接"]]), ["give_up", "终止办理，学籍保留在原学校"]] }, { name: "reason", label: "理由（突破或终止时必填）", type: "textarea", maxlength: 500 }],
    send: ({ how, reason }) => post("retry", t, { override: how === "override", give_up: how === "give_up", reason }) })), { class: "primary" });

  const giveUp = (t) => action("终止办理", async () => after(await ask({ title: "学生不再转入", confirm: "终止办理", danger: true, text: "终止后，保留的学位收回，转入学校不能再为该生建籍。", fields: [REASON],
    send: ({ reason }) => post("retry", t, { override: false, give_up: true, reason }) })), { class: "danger quiet" });

  const acts = (t) => h("div", { class: "row" },
    t.may.includes("decide") && [decide(t, "approve", "核准"), decide(t, "return", "退回补正"), decide(t, "reject", "不予核准", true)],
    t.may.includes("reroute") && reroute(t), t.may.includes("resubmit") && t.outside ? correctInward(t, after) : t.may.includes("resubmit") && action("补正", async () => after(await apply(t)), { class: "primary" }),
    t.may.includes("decide_outside") && said(t, asked(t), after), t.may.includes("resubmit_outward") && correctOutward(t, after), t.may.includes("withdraw_outward") && withdrawOutward(t, after),
    t.may.includes("withdraw") && withdraw(t), t.may.includes("retry") && retry(t), t.may.includes("give_up") && giveUp(t));

  const draw = (t) => fill(place,
    h("div", { class: "head" }, h("div", null, h("h1", null, `转学：${t.name} `, stateOf(t)), h("p", { class: "muted" }, `编号 ${t.number}`)), h("a", { class: "button", href: "#/transfers" }, "返回列表")),
    way(t), t.problem.map(finding), awaited(t) && h("p", { class: "finding note" }, "各方均已核准，学位已保留。由转入学校录入该生建籍（年级与转学一致），学籍建立后本项转学自动办结。", session.has("registrar") && h("a", { class: "button", href: "#/registration" }, "录入一名学生")),
    h("div", { class: "card" }, facts([["转出学校", t.from_school_name], ["转入学校", t.to_school_name], ["年级", className(t.grade)], ["转学理由", t.ground_title], ...outsideFacts(t),
      ["学位", t.outside?.side !== "to" && (t.seat ? (t.over ? "已保留（突破班额）" : "已保留") : ["open", "returned"].includes(t.state) && "没有保留")], ["学籍", t.without_record && "保留在原学校，只变更就读学校"], ["转入后就读形式", t.placement && PLACEMENTS[t.placement]], ["居住地址", t.residence && `${t.residence.division} ${t.residence.address}`],
      ["监护人", t.guardian], ["联系电话", t.phone], ["申请", [t.opened_by, when(t.opened_at)].filter(Boolean).join("，")], ["例外理由", t.exception], ["等待", t.waits_for_title],
      ["办理期限", t.due_on && h("span", null, t.due_on, t.provisional && "（节假日安排公布后可能调整）", t.overdue && badge("逾期", "bad"))], [t.outside?.side === "to" ? "转出日期" : "转入日期", t.completed_on], ["编入班级", t.class_no && className(t.grade, t.class_no)]]), acts(t)),
    t.findings.some((f) => f.outcome !== "pass") && [h("h2", null, "需要注意"), t.findings.filter((f) => f.outcome !== "pass").map(finding)],
    t.findings.length > 0 && h("details", null, h("summary", null, `检查依据（${t.findings.length} 项）`), t.findings.map(finding)),
    h("h2", null, "经过"), t.timeline.length ? h("ol", { class: "card journal" }, t.timeline.map((s) => h("li", null, h("b", null, `${s.step_title}：${s.decision_title}`, s.override && badge("突破", "warn")),
      h("div", { class: "muted" }, [s.organisation_name, s.account_name, when(s.decided_at)].filter(Boolean).join("，")), s.asks.length > 0 && h("div", null, `请更正或补充：${s.asks.map((one) => Object.fromEntries(asked(t))[one] ?? one).join("、")}`), enteredFor(s), s.reason && h("div", null, s.reason),
      s.findings.length > 0 && h("details", null, h("summary", null, `改派前对${s.from_school_name || s.from_school}的检查（${s.findings.length} 项）`), s.findings.map(finding))))) : empty("还没有环节办理。"));
  await reload();
}
