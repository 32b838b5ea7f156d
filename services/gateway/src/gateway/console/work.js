// What waits for this account: whole rosters first, then pupil by pupil; for the registrar, what has to be corrected.
import { action, api, badge, empty, fill, h, paged, query, table } from "./core.js";
import { buttons, decideEach, decideRoster, look } from "./decisions.js";
import { session } from "./session.js";
import { className, REGISTRATION_STATES, SEXES, STEPS, VERIFICATIONS } from "./words.js";

const MOST = 60; // rosters under way that are looked at

export const mySteps = () => STEPS.filter((step) => session.has(step.role));

export async function work(place) {
  const mine = mySteps();
  const whole = h("section");
  const single = mine.map((step) => ({ step, place: h("div") }));
  const corrections = session.has("registrar") && h("section");
  fill(place, h("div", { class: "head" }, h("h1", null, "建籍审核")), whole, corrections,
    single.map(({ step, place: list }) => h("section", null, h("h2", null, `逐人办理：${step.name}`), list)));
  const load = () => Promise.all([
    rosters(whole, mine, load), corrections && toCorrect(corrections, mine, load), ...single.map((one) => pupils(one.place, one.step, mine, load)),
  ]);
  await load();
}

async function rosters(place, mine, reload) {
  const underWay = [];
  let cursor = null;
  do {
    const page = await api(`/v1/rosters${query({ limit: 200, cursor })}`);
    underWay.push(...page.items.filter((roster) => roster.state === "in_approval" || roster.state === "issuing"));
    cursor = page.next_cursor;
  } while (cursor && underWay.length < MOST);
  // The list tells no counts: those are asked for one roster.
  const counted = await Promise.all(underWay.slice(0, MOST).map((roster) => api(`/v1/rosters/${roster.id}`)));
  const waiting = counted.flatMap((roster) => mine.filter((step) => roster.steps[step.waits]).map((step) => [roster, step]));
  fill(place, h("h2", null, "整册办理"), waiting.length ? h("div", { class: "cards" }, waiting.map(([roster, step]) => h("article", { class: "card" },
    h("div", { class: "big" }, roster.steps[step.waits], h("small", null, ` 名学生等待${step.name}`)),
    h("p", null, h("a", { href: `#/rosters/${roster.id}` }, roster.file_name), h("br"), h("span", { class: "muted" }, roster.school_name)),
    h("div", { class: "row" }, step.step === "guardian" && roster.sheets_state !== "ready"
      ? h("a", { class: "button primary", href: `#/rosters/${roster.id}` }, "去打印确认表") : buttons(step, async (act) => { if (await decideRoster(roster, step, act)) await reload(); }))))) : empty("没有等待您办理的名册。"));
}

function pupils(place, step, mine, reload) {
  const chosen = new Map();
  const count = h("span", { class: "muted" });
  const bar = h("div", { class: "row bar" }, count, ["approve", "return", "reject"].map((act) => action(
    { approve: step.step === "guardian" ? "登记签字" : "通过", return: "退回更正", reject: "不予建籍" }[act],
    async () => { if (await decideEach([...chosen.values()], step, act)) await reload(); },
    { class: act === "approve" ? "primary" : act === "reject" ? "danger quiet" : "" })));
  const changed = () => { bar.hidden = !chosen.size; count.textContent = `已选 ${chosen.size} 名`; };
  changed();
  return paged(place, (cursor) => api(`/v1/registrations${query({ state: step.waits, limit: 50, cursor })}`), (items) => {
    const boxes = items.map((r) => h("input", { type: "checkbox", "aria-label": `选择${r.name}`, checked: chosen.has(r.id), onchange: (event) => {
      if (event.target.checked) chosen.set(r.id, r); else chosen.delete(r.id);
      changed();
    } }));
    const all = h("input", { type: "checkbox", "aria-label": "全选", onchange: () => boxes.forEach((box) => { if (box.checked !== all.checked) box.click(); }) });
    return h("div", { class: "card" }, bar, table([all, "姓名", "性别", "出生日期", "年级班", "身份证件号", "期限"], items.map((r, i) => [
      boxes[i], action(r.name, () => look(r.id, mine, reload), { class: "link" }), SEXES[r.sex], r.birth_date,
      className(r.grade, r.class_no), h("code", null, r.masked_document), r.due_on ?? "—",
    ]), `等待${step.name}的学生`));
  }, `没有等待${step.name}的学生。`);
}

async function toCorrect(place, mine, reload) {
  const [returned, mismatched] = await Promise.all([
    api("/v1/registrations?state=returned&limit=200"), api("/v1/registrations?to_correct=true&limit=200"),
  ]);
  const items = [...new Map([...returned.items, ...mismatched.items].map((r) => [r.id, r])).values()];
  if (!items.length) return fill(place);
  return fill(place, h("h2", null, "需要更正"), h("div", { class: "card" }, table(["姓名", "年级班", "状态", "说明"], items.map((r) => [
    action(r.name, () => look(r.id, mine, reload), { class: "link" }), className(r.grade, r.class_no), badge(REGISTRATION_STATES[r.state], r.state),
    r.correction || (r.state === "returned" ? "点姓名查看退回原因并更正" : VERIFICATIONS[r.verification]),
  ]), "需要更正的学生")));
}
