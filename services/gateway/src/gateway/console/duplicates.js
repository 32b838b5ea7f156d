// 查重: pairs of records that may be one pupil's, side by side; scans with their progress (clauses 20.1, 39).
import { action, api, ask, badge, facts, fill, h, paged, query, showProblem, table, toast, when } from "./core.js";
import { paperList, papers, stateBadge } from "./papers.js";
import { session } from "./session.js";
import { className, SEXES } from "./words.js";

export const PAIR_STATES = { open: ["待处理", "warn"], correcting: ["更正中", "warn"], cancelling: ["注销待决定", "warn"], different: ["不是同一人", "good"], corrected: ["已更正", "good"], merged: ["已合并", "good"] };
const POSITIONS = { same: "是同一名学生", different: "是两名学生", unknown: "无法判断" };
const isSchool = () => session.has("registrar", "principal");
const isOfficer = () => session.has("authority_officer");

export async function duplicatesPage(place, { id, signal }) {
  if (id) return pairPage(place, id);
  const list = h("div", { class: "card" });
  const progress = h("div", { "aria-live": "polite" });
  const state = h("select", { "aria-label": "状态", onchange: () => load().catch(showProblem) }, [["", "全部状态"], ...Object.entries(PAIR_STATES).map(([code, [text]]) => [code, text])].map(([code, text]) => h("option", { value: code, selected: code === "open" }, text)));
  const mine = h("input", { type: "checkbox", onchange: () => load().catch(showProblem) });
  const load = () => paged(list, (cursor) => api(`/v1/duplicates${query({ state: state.value, to_decide: mine.checked || null, cursor, limit: 50 })}`), (items) => table(
    ["两份学籍", "依据", "罕见程度", "陈述", "处理部门", "状态"], items.map((p) => [
      h("a", { href: `#/duplicates/${p.id}` }, p.sides.map((s) => `${s.name}（${s.school_name}）`).join(" / ")), p.reasons.join("、"), p.rarity,
      p.state === "open" ? (p.heard ? badge("已听取", "good") : badge(`期限 ${p.due_on}`, "warn")) : "—", p.authority_name, stateBadge(PAIR_STATES, p.state)]), "疑似重复学籍"), "没有疑似重复的学籍。");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "查重"), h("p", { class: "muted" }, "系统把可能是同一名学生的两份学籍成对列出。两校陈述后，由主管教育行政部门处理。")),
    h("div", { class: "row" }, state, isOfficer() && h("label", null, mine, "由本部门处理"), session.has("registrar", "authority_officer") && action(isSchool() ? "对本校查重" : "对所辖学校查重", scan, { class: "primary" }))), progress, list);
  await Promise.all([load(), watch()]);

  async function scan() {
    await api("/v1/duplicates/scans", { method: "POST", body: { organisation: session.get().account.organisation } });
    toast("已开始查重，完成后新发现的会列在下面。");
    watch().catch(showProblem);
  }

  // The scans that are not over, until they are.
  async function watch() {
    const { items } = await api("/v1/duplicates/scans?limit=5");
    const running = items.filter((s) => s.state !== "done");
    fill(progress, running.map((s) => h("div", { class: "card progress" }, h("progress", { max: s.total || 1, value: s.done, "aria-label": "查重进度" }), `${s.organisation_name}：已比对 ${s.done} / ${s.total || "…"}，新发现 ${s.found} 对`)),
      !running.length && items[0] && h("p", { class: "muted" }, `最近一次查重：${items[0].organisation_name}，${when(items[0].finished_at)} 完成，比对 ${items[0].done} 人，新发现 ${items[0].found} 对。`));
    if (!running.length || signal.aborted) return;
    await new Promise((next) => { setTimeout(next, 2000); });
    if (signal.aborted) return;
    await watch();
    if (progress.querySelector("progress") === null) await load();
  }
}

const AGREES = { name: "姓名", former_name: "姓名", near_name: "姓名", sex: "性别", birth_date: "出生日期" };
const DECIDED = { different: "不是同一人", correct: "更正其中一份", cancel: "保留一份，注销另一份" };

async function pairPage(place, id) {
  const draw = (p) => {
    const same = new Set(p.agreements.map((code) => AGREES[code]).filter(Boolean));
    const row = (name, value) => [h("b", null, name), ...p.sides.map((s) => h("span", null, value(s), same.has(name) && badge("一致", "warn")))];
    fill(place,
      h("div", { class: "head" }, h("div", null, h("h1", null, "疑似重复 ", stateBadge(PAIR_STATES, p.state)), h("p", { class: "muted" }, `${p.reasons.join("、")}。${p.rarity}。`)), h("a", { class: "button", href: "#/duplicates" }, "返回列表")),
      h("div", { class: "card" }, table(["项目", "甲", "乙"], [
        row("姓名", (s) => (s.id && s.registered ? h("a", { href: `#/students/${s.id}` }, s.name) : s.name)), row("性别", (s) => SEXES[s.sex]), row("出生日期", (s) => s.birth_date ?? "—"),
        row("证件号", (s) => h("code", null, s.masked_document)), row("学籍号", (s) => (s.student_number ? h("code", null, s.student_number) : s.masked ? "—" : "尚未发放")),
        row("学校", (s) => s.school_name), row("年级班", (s) => (s.grade ? className(s.grade, s.class_no) : "—")),
        row("学籍", (s) => [s.registered ? "已建立" : "建籍审核中", !s.live && "，已注销", s.id && s.id === p.record_id && badge(p.state === "correcting" ? "待更正" : "保留", "good")]),
      ], "两份学籍对照"), facts([["处理部门", p.authority_name], ["发现", when(p.found_at)], ["陈述期限", p.state === "open" && `${p.due_on}${p.heard ? "（已听取）" : ""}`],
        ["处理", p.decided_by && `${p.decided_by}，${when(p.decided_at)}：${p.decision_reason}`]]), acts(p)),
      h("h2", null, "学校陈述"), p.statements.length === 0 && h("p", { class: "muted" }, "还没有陈述。"),
      p.statements.map((s) => h("div", { class: "card" }, h("b", null, s.school_name), badge(POSITIONS[s.position]), h("p", null, s.text), h("p", { class: "muted" }, `${s.account_name}，${when(s.stated_at)}`), paperList(s.evidence))));
  };
  const reload = async () => draw(await api(`/v1/duplicates/${id}`));
  const acts = (p) => h("div", { class: "row" },
    isSchool() && p.state === "open" && action("陈述意见", () => state(p).then((done) => done && draw(done)), { class: "primary" }),
    isOfficer() && p.state === "open" && action("处理", () => decide(p).then((done) => done && draw(done)), { class: "primary" }),
    p.cancellation_id && session.has("authority_officer", "leader") && h("a", { class: "button", href: `#/cancellations/${p.cancellation_id}` }, "查看注销"),
    session.has("registrar") && p.state === "correcting" && h("a", { class: "button", href: "#/corrections" }, "申请更正"),
    session.has("leader") && ["different", "correcting", "corrected", "merged"].includes(p.state) && action("撤销处理", async () => {
      const done = await ask({ title: "撤销处理", confirm: "撤销", danger: true, text: p.state === "merged" ? "两份学籍在合并后没有其他变动的，原样恢复。" : "这一对重新等待处理。", fields: [{ name: "reason", label: "理由", type: "textarea", required: true, maxlength: 500 }],
        send: (body) => api(`/v1/duplicates/${p.id}/undo`, { method: "POST", body }) });
      if (done) await reload();
    }, { class: "danger quiet" }));
  await reload();
  return undefined;
}

async function state(p) {
  const files = papers("证明材料（户口簿等）");
  return ask({ title: "陈述意见", confirm: "提交", text: "每所学校陈述一次，提交后不能修改。", body: files.field, fields: [
    { name: "position", label: "学校核对的结论", options: Object.entries(POSITIONS) },
    { name: "text", label: "核对情况", type: "textarea", required: true, maxlength: 500 }],
  send: async (body) => api(`/v1/duplicates/${p.id}/statements`, { method: "POST", body: { ...body, evidence: await files.send() } }) });
}

async function decide(p) {
  const files = papers("证明材料");
  const side = (s, i) => [s.id, `${"甲乙"[i]}：${s.name}，${s.school_name}，${s.student_number ?? "无学籍号"}`];
  return ask({ title: "处理疑似重复", confirm: "提交", text: "注销另一份的，还须由分管局长决定。", wide: true, body: files.field, fields: [
    { name: "decision", label: "处理", options: Object.entries(DECIDED) },
    { name: "record_id", label: "保留或更正哪一份（“不是同一人”时不用选）", options: p.sides.map(side) },
    { name: "reason", label: "依据", type: "textarea", required: true, maxlength: 500 }],
  send: async ({ decision, record_id, reason }) => api(`/v1/duplicates/${p.id}/decisions`, { method: "POST", headers: { "If-Match": `"${p.version}"` },
    body: { decision, reason, record_id: decision === "different" ? null : record_id, evidence: decision === "cancel" ? await files.send() : [] } }) });
}
