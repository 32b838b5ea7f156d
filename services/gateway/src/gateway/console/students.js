// Student records: find, list, look at one with its journal.
import { action, api, ask, badge, facts, fill, h, paged, query, showProblem, table, when } from "./core.js";
import { session } from "./session.js";
import { className, SEXES, VERIFICATIONS } from "./words.js";

const number = (s) => h("span", { class: "number" }, badge(s.number_kind, s.number_kind === "G" ? "good" : "warn"), h("code", null, s.student_number));

export async function students(place, { id }) {
  if (id) return student(place, id);
  const list = h("div", { class: "card" });
  const filter = h("form", { class: "filters", onsubmit: (event) => { event.preventDefault(); load().catch(showProblem); } },
    h("label", { class: "field grow" }, h("span", null, "姓名、证件号码或学籍号"), h("input", { name: "text", maxlength: 60, autocomplete: "off", placeholder: "完整的姓名或号码" })),
    h("label", { class: "field" }, h("span", null, "年级"), select("grade", [["", "全部"], ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, className(n)])])),
    h("label", { class: "field" }, h("span", null, "班"), h("input", { name: "class_no", type: "number", min: 1, max: 99, placeholder: "全部" })),
    h("button", { class: "primary" }, "查找"));
  fill(place, h("div", { class: "head" }, h("h1", null, "学生")), filter, list);

  async function load() {
    const { text, grade, class_no } = Object.fromEntries(new FormData(filter));
    const wanted = text.trim();
    const isNumber = /[0-9]{4}/.test(wanted);
    // A name or a number goes into a body: an address is kept in too many places.
    const page = (cursor) => wanted
      ? api("/v1/students/searches", { method: "POST", body: { [isNumber ? "number" : "name"]: wanted, cursor, limit: 50 } })
      : api(`/v1/students${query({ grade, class_no, cursor, limit: 50 })}`);
    await paged(list, page, (items) => table(["姓名", "性别", "出生日期", "学籍号", "年级班", "学校"], items.map((s) => [
      h("a", { href: `#/students/${s.id}` }, s.name), SEXES[s.sex], s.birth_date, number(s), className(s.grade, s.class_no), s.school_name,
    ]), "学生"), wanted ? "没有找到。请核对姓名或号码是否完整。" : "还没有已建立学籍的学生。");
  }
  await load();
  return undefined;
}

function select(name, options) {
  return h("select", { name }, options.map(([value, text]) => h("option", { value }, text)));
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
