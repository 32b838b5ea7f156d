// Taking a step of clause 15.1, for one pupil, several, or a whole roster; and what there is to see of one registration.
import { action, api, ask, badge, codes, download, facts, finding, h, showProblem, toast, today, when } from "./core.js";
import { ACTS, className, CODED, DECISIONS, FIELDS, FIXED, REGISTRATION_STATES, SEXES, STEPS, VERIFICATIONS } from "./words.js";

// What to send for a decision, asked of the person; null when they think better of it.
export async function decision(step, act, who) {
  const fields = [];
  if (act === "approve" && step.step === "guardian") {
    fields.push({ name: "signed_on", label: "监护人签字日期", type: "date", required: true, value: today(), max: today() });
  }
  if (act !== "approve") fields.push({ name: "reason", label: "原因（学校会看到）", type: "textarea", required: true, maxlength: 500 });
  const given = await ask({
    title: `${step.name}：${DECISIONS[act]}`, text: who, fields, danger: act === "reject",
    confirm: act === "approve" && step.step === "guardian" ? "登记签字" : DECISIONS[act],
  });
  return given && { step: step.step, decision: act, reason: given.reason ?? "", ...(given.signed_on && { signed_on: given.signed_on }) };
}

export function buttons(step, act, first = step.step === "guardian" ? "登记监护人签字" : "全部通过") {
  return [
    first && action(first, () => act("approve"), { class: "primary" }), action("退回更正", () => act("return")),
    action("不予建籍", () => act("reject"), { class: "danger quiet" }),
  ];
}

export async function decideRoster(roster, step, act) {
  const body = await decision(step, act, `《${roster.file_name}》中等待「${step.name}」的 ${roster.steps[step.waits]} 名学生`);
  if (!body) return false;
  const done = await api(`/v1/rosters/${roster.id}/decisions`, { method: "POST", body });
  toast(`${DECISIONS[act]}：${done.moved} 名学生${done.skipped ? `，另有 ${done.skipped} 名不由当前账号审核` : ""}。`);
  return true;
}

export async function decideEach(registrations, step, act) {
  const who = registrations.length === 1 ? registrations[0].name : `所选的 ${registrations.length} 名学生`;
  const body = await decision(step, act, who);
  if (!body) return false;
  let done = 0;
  for (const one of registrations) {
    try {
      await api(`/v1/registrations/${one.id}/decisions`, { method: "POST", body, headers: { "If-Match": `"${one.version}"` } });
      done += 1;
    } catch (error) {
      error.message = `${one.name}：${error.message}`;
      showProblem(error);
    }
  }
  if (done) toast(`${DECISIONS[act]}：${done} 名学生。`);
  return true;
}

const stepName = (name) => STEPS.find((s) => s.step === name)?.name ?? name;
const order = { refuse: 0, needs_override: 1, note: 2, pass: 3 };

// One registration in a dialog. `after` is called when something was changed.
export async function look(id, mine, after) {
  const [r, tables] = await Promise.all([api(`/v1/registrations/${id}`), codes()]);
  const close = () => box.close();
  const done = async (changed) => { if (changed) { close(); await after(); } };
  const step = mine.find((s) => s.waits === r.state);
  const findings = [...(r.decision?.findings ?? [])].sort((a, b) => order[a.outcome] - order[b.outcome]);
  const noted = findings.filter((f) => f.outcome !== "pass");
  const form = Object.entries(r.form).filter(([key, value]) => FIELDS[key] && value !== "");
  const registrar = mine.some((s) => s.step === "guardian");
  const box = h("dialog", { class: "wide", "aria-label": r.name }, h("div", null,
    h("div", { class: "head" }, h("h2", null, r.name, " ", badge(REGISTRATION_STATES[r.state], r.state)), action("关闭", close, { class: "quiet", autofocus: true })),
    r.correction && h("p", { class: "finding refuse" }, r.correction),
    facts([["年级班", className(r.grade, r.class_no)], ["性别", SEXES[r.sex]], ["出生日期", r.birth_date], ["身份证件号", r.masked_document],
      ["学校", r.school_name], ["名册行号", r.row], ["学籍号", r.student_number], ["公安比对", VERIFICATIONS[r.verification]], ["办理期限", r.due_on]]),
    noted.map(finding),
    r.steps.length > 0 && h("h3", null, "审核记录"),
    h("ol", { class: "journal" }, r.steps.map((s) => h("li", null, h("b", null, `${stepName(s.step)}：${ACTS[s.decision] ?? s.decision}`),
      h("div", { class: "muted" }, `${s.account_name}，${when(s.decided_at)}`), s.reason && h("div", null, s.reason)))),
    form.length > 0 && h("details", null, h("summary", null, `学生基本信息表（${form.length} 项）`), facts(form.map(([key, value]) => [FIELDS[key], readable(tables, key, value)]))),
    h("details", null, h("summary", null, `检查依据（${findings.length} 项）`), findings.map(finding)),
    h("div", { class: "row end" },
      step && buttons(step, async (act) => done(await decideEach([r], step, act)), step.step === "guardian" ? "登记签字" : "通过"),
      registrar && r.state === "principal_checked" && action("打印确认表", () => download(`/v1/registrations/${id}/confirmation-sheet`, { method: "POST" })),
      registrar && r.state === "returned" && action("更正并重新送审", async () => done(await correct(r)), { class: "primary" }),
      registrar && !["authority_approved", "registered", "rejected", "withdrawn"].includes(r.state) && action("撤回", async () => done(await withdraw(r)), { class: "quiet" }))));
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}

function readable(tables, key, value) {
  if (CODED[key]) return tables.name(CODED[key], value) ?? value;
  return (key.endsWith("_place") && tables.division(value)) || value;
}

async function correct(r) {
  const tables = await codes();
  const fields = Object.keys(FIELDS).filter((key) => !FIXED.has(key) && !key.endsWith("document_number")).map((key) => {
    const value = r.form[key] ?? "";
    const known = CODED[key] && tables.offered(CODED[key]).map((entry) => [entry.code, entry.name]);
    if (known && !known.some(([code]) => code === value)) known.unshift([value, value ? readable(tables, key, value) : "（未填）"]);
    return { name: key, label: FIELDS[key], value, maxlength: 500, options: known };
  });
  const given = await ask({ title: `更正：${r.name}`, fields, confirm: "重新送审", wide: true,
    text: "只提交改动过的项目。姓名、性别、出生日期和证件不能在此更正，请撤回后重新录入。" });
  if (!given) return false;
  const changes = Object.fromEntries(Object.entries(given).filter(([key, value]) => value !== (r.form[key] ?? "")));
  if (!Object.keys(changes).length) { toast("没有改动。", "bad"); return false; }
  await api(`/v1/registrations/${r.id}`, { method: "PATCH", body: { changes }, headers: { "If-Match": `"${r.version}"` } });
  toast("已更正，并从班主任审核起重新送审。");
  return true;
}

async function withdraw(r) {
  const given = await ask({ title: `撤回：${r.name}`, danger: true, confirm: "撤回", text: "撤回后，该学生可以重新录入或由其他学校建立学籍。",
    fields: [{ name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }] });
  if (!given) return false;
  await api(`/v1/registrations/${r.id}/withdrawal`, { method: "POST", body: given });
  toast("已撤回。");
  return true;
}
