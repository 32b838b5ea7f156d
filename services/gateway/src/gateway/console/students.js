// A student record with its journal. Finding one: search.js.
import { action, api, ask, badge, facts, fill, h, when } from "./core.js";
import { number, searchPage } from "./search.js";
import { session } from "./session.js";
import { className, SEXES, VERIFICATIONS } from "./words.js";

export async function students(place, { id }) {
  return id ? student(place, id) : searchPage(place);
}

async function student(place, id) {
  const [s, journal] = await Promise.all([api(`/v1/students/${id}`), api(`/v1/students/${id}/journal`)]);
  const shown = h("div", { "aria-live": "polite" });
  const about = [
    ["学籍号", number(s)], ["曾用学籍号", s.former_numbers.join("、") || "—"], ["公安比对", VERIFICATIONS[s.verification]],
    ["性别", SEXES[s.sex]], ["出生日期", s.birth_date], ["身份证件号", h("code", null, s.masked_document)],
    ["学校", s.school_name], ["年级班", className(s.grade, s.class_no)], ["入学年份", s.cohort], ["建立学籍", when(s.registered_at)],
  ];
  fill(place,
    h("div", { class: "head" }, h("h1", null, s.name), h("a", { class: "button", href: "#/students" }, "返回列表")),
    s.copy_as_of && h("p", { class: "finding note" }, `该生已转出：这里是 ${s.copy_as_of} 转出时的学籍副本。`),
    h("div", { class: "card" }, facts(about), shown, reveals() && !s.copy_as_of && action("查看完整号码", () => reveal(s, shown))),
    h("h2", null, "学籍变动记录 ", badge(journal.intact ? "记录链完整" : "记录链不完整", journal.intact ? "good" : "bad")),
    h("ol", { class: "card journal" }, journal.entries.map((entry) => h("li", null,
      h("div", null, h("b", null, KINDS[entry.kind] ?? entry.kind), entry.clause && h("span", { class: "clause" }, `第${entry.clause}条`)),
      h("div", { class: "muted" }, `${entry.legal_date} 生效，${when(entry.recorded_at)} 记录，${entry.actor.startsWith("system:") ? "系统" : entry.actor}`),
      h("details", null, h("summary", null, "记录原文"), h("pre", null, JSON.stringify(entry.content, null, 2)))))));
}

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

const KINDS = { registered: "建立学籍", number_upgraded: "临时学籍号转为正式学籍号", number_issued: "发放学籍号" };
