// A student record with its archive, now or as of a day. Finding one: search.js.
import { archiveTabs } from "./archive.js";
import { cancel, protect } from "./cancellations.js";
import { action, api, ask, facts, fill, h, query, toast, today, when } from "./core.js";
import { correct } from "./corrections.js";
import { number, searchPage } from "./search.js";
import { session } from "./session.js";
import { className, SEXES, STUDENT_STATES, VERIFICATIONS } from "./words.js";

export async function students(place, { id }) {
  return id ? student(place, id) : searchPage(place);
}

// The present record, or that of a day (`day`, "" for now): both with the six sections of the archive.
async function student(place, id, day = "") {
  const s = await api(`/v1/students/${id}${query({ as_of: day })}`);
  const shown = h("div", { "aria-live": "polite" });
  const about = [
    ["学籍号", number(s)], ["曾用学籍号", s.former_numbers.join("、") || "—"], ["公安比对", VERIFICATIONS[s.verification]], ["学籍状态", STUDENT_STATES[s.state] ?? s.state],
    ["性别", SEXES[s.sex]], ["出生日期", s.birth_date], ["身份证件号", h("code", null, s.masked_document)],
    ["学校", s.school_name], ["年级班", className(s.grade, s.class_no)], ["就读学校", s.study_place && studies(s.study_place)], ["入学年份", s.cohort], ["建立学籍", when(s.registered_at)],
  ];
  const picker = h("input", { type: "date", max: today(), value: day, "aria-label": "查看某一天的学籍" });
  const look = (on) => student(place, id, on);
  const archive = h("div");
  fill(place,
    h("div", { class: "head" }, h("h1", null, s.name), h("a", { class: "button", href: "#/students" }, "返回列表")),
    h("div", { class: "row" }, h("label", { class: "field" }, h("span", null, "某一天的情况"), picker), action("查看", () => look(picker.value)), day && action("回到现在", () => look(""))),
    day && h("p", { class: "finding note" }, `这里是 ${day} 当日的学籍，不能修改。`),
    s.copy_as_of && h("p", { class: "finding note" }, `该生已转出：这里是 ${s.copy_as_of} 转出时的学籍副本。`),
    h("div", { class: "card" }, facts(about), shown, s.kept_id && h("p", { class: "finding note" }, "这是重复学籍中被注销的一份，在保留的学籍下查阅：", h("a", { href: `#/students/${s.kept_id}` }, "查看保留的学籍")),
      s.merged_ids?.length > 0 && h("p", { class: "finding note" }, "合并的重复学籍：", s.merged_ids.map((one, i) => h("a", { href: `#/students/${one}` }, `第${i + 1}份 `))),
      !s.copy_as_of && !day && h("div", { class: "row" }, reveals() && action("查看完整号码", () => reveal(s, shown)), acts(s),
        s.study_place && session.has("registrar") && action("登记返回本校就读", async () => { if (await comesBack(s)) { toast("已登记，就读学校已收到通知。"); await look(""); } }))),
    archive);
  await archiveTabs(archive, s, day, ({ journal }) => [formOf(s, day), h("h3", null, "学籍变动记录"),
    h("ol", { class: "journal" }, journal.map((entry) => h("li", null,
      h("div", null, h("b", null, entry.title || entry.kind), entry.clause && h("span", { class: "clause" }, `第${entry.clause}条`)),
      h("div", { class: "muted" }, `${entry.legal_date} 生效，${when(entry.recorded_at)} 记录，${entry.actor.startsWith("system:") ? "系统" : entry.actor}`),
      h("details", null, h("summary", null, "记录原文"), h("pre", null, JSON.stringify(entry.content, null, 2))))))]);
}

// The form of that day, fetched when somebody opens it: every look is recorded.
function formOf(s, day) {
  const body = h("div", { "aria-live": "polite" });
  let asked;
  const load = async () => {
    asked ??= api(`/v1/students/${s.id}/form${query({ as_of: day })}`);
    const { items } = await asked;
    const filled = items.filter((one) => one.text);
    fill(body, items.length ? [facts(filled.map((one) => [one.title, one.text])), h("p", { class: "muted" }, `共${items.length}项，已填${filled.length}项；身份证件号在上方查看。`)] : h("p", { class: "muted" }, "没有留存基本信息表。"));
  };
  const opened = h("details", { class: "form" }, h("summary", null, day ? `${day} 的学生基本信息表` : "学生基本信息表"), body);
  opened.addEventListener("toggle", () => { if (opened.open && !asked) load().catch((error) => { asked = undefined; fill(body, h("p", { class: "finding refuse" }, error.message)); }); });
  return opened;
}

// 24.4: the record has stayed, the pupil studies elsewhere; and comes back.
const studies = ({ school_name: name, since, transfer_id: id }) => h("span", null, `${name}，自${since}起（学籍保留，没有转出） `, h("a", { href: `#/transfers/${id}` }, "查看转学"));

const comesBack = (s) => ask({ title: `${s.name}返回本校就读`, confirm: "登记返回", text: `学生现在${s.study_place.school_name}就读，学籍在本校。登记后记入学籍，并通知${s.study_place.school_name}；不需要核准。`, fields: [
  { name: "on", label: "返回本校就读的日期", type: "date", required: true, min: s.study_place.since, max: today(), value: today() },
  { name: "reason", label: "返回原因", type: "textarea", required: true, maxlength: 200, hint: "一两句话，不要写号码" }],
send: (body) => api(`/v1/students/${s.id}/study-place/ending`, { method: "POST", body }) });

// What can be asked for from here; what stands against it is said by the checks.
const acts = (s) => !["cancelled", "transferred_out"].includes(s.state) && [
  session.has("registrar") && action("申请更正", async () => { const done = await correct(s); if (done) location.hash = `#/corrections/${done.id}`; }),
  session.has("authority_officer") && [action("登记学籍保护", () => protect(s)), action("提出注销", () => cancel(s), { class: "danger quiet" })],
];

const reveals = () => session.has("registrar", "principal", "authority_officer");

// Full numbers, for a purpose that is written into the audit log; gone again after a minute.
async function reveal(s, place) {
  const full = await ask({ title: `查看${s.name}的完整号码`, confirm: "查看", text: "请写明用途。谁、何时、为什么查看，都记入审计。", fields: [
    { name: "purpose", label: "用途", required: true, minlength: 4, maxlength: 200, placeholder: "例如：与户口簿核对", hint: "一句话，4 至 200 字；不要写号码" }],
  send: (body) => api(`/v1/students/${s.id}/reveal`, { method: "POST", body }) });
  if (!full) return;
  const close = () => fill(place);
  fill(place, h("div", { class: "finding note" }, facts([["身份证件号", h("code", null, full.document_number || "无证件")], ["学籍号", h("code", null, full.student_number ?? "尚未发放")]]),
    h("p", { class: "muted" }, "一分钟后自动隐去。"), action("隐去", close)));
  setTimeout(close, 60_000);
}
