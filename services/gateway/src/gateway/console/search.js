// Finding pupils: one box that takes whatever is at hand, filters beside it, and for each result why it is one.
import { api, badge, field, fill, h, paged, query, showProblem, table } from "./core.js";
import { school } from "./choosing.js";
import { session } from "./session.js";
import { className, SEXES } from "./words.js";

export const STATES = { in_school: "在读", suspended: "休学", retained: "保留学籍", graduated: "毕业", completed: "结业", cancelled: "注销", transferred_out: "转往外省" };
export const PLACEMENTS = { ordinary: "普通就读", mainstreamed: "随班就读", special_school: "特殊教育学校", home_teaching: "送教上门" };
const WHY = { former_name: "曾用名", pinyin: "拼音", initials: "首字母", number: "号码" };
const ENOUGH = 20; // rows that a page should have before somebody is asked whether to go on
const ROUNDS = 10; // requests for one page: each looks at a thousand pupils at most

const any = (options) => [["", "全部"], ...options];
const choice = (name, label, options) => h("label", { class: "field" }, h("span", null, label),
  h("select", { name }, any(options).map(([value, text]) => h("option", { value }, text))));
const box = (name, label, more) => h("label", { class: "field" }, h("span", null, label), h("input", { name, ...more }));

export const number = (s) => h("span", { class: "number" }, badge(s.number_kind, s.number_kind === "G" ? "good" : "warn"), h("code", null, s.student_number));

export async function searchPage(place) {
  const list = h("div", { class: "card", "aria-live": "polite" });
  const wide = session.get().account.organisation.length === 6; // an authority's
  const form = h("form", { class: "filters", role: "search", onsubmit: (event) => { event.preventDefault(); load().catch(showProblem); } },
    h("label", { class: "field whole" }, h("span", null, "查找学生"),
      h("input", { name: "text", type: "search", maxlength: 60, autocomplete: "off", autofocus: true, placeholder: "姓名、拼音、首字母、证件号码或学籍号" }),
      h("small", { class: "muted" }, "姓名可只写其中一部分，曾用名也能找到；拼音从头写起，可以有空格；号码须完整，曾用的学籍号也可以。")),
    wide && field(school({ name: "school", label: "学校", props: { placeholder: "全部" } })),
    choice("stage", "学段", [["primary", "小学"], ["junior", "初中"]]),
    choice("grade", "年级", [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, className(n)])),
    box("class_no", "班", { type: "number", min: 1, max: 99, placeholder: "全部" }),
    choice("state", "状态", Object.entries(STATES)), choice("placement", "就读方式", Object.entries(PLACEMENTS)),
    h("button", { class: "primary" }, "查找"));
  fill(place, h("div", { class: "head" }, h("h1", null, "学生")), form, list);

  async function load() {
    const { text, ...given } = Object.fromEntries(new FormData(form));
    const wanted = text.trim();
    const narrowed = Object.fromEntries(Object.entries(given).filter(([, value]) => value));
    await paged(list, (cursor) => (wanted ? found(wanted, narrowed, cursor) : api(`/v1/students${query({ ...narrowed, cursor, limit: 50 })}`)),
      (items) => results(items, wanted), wanted ? "没有找到。请核对姓名、拼音或号码，或放宽筛选条件。" : "没有符合条件的学生。");
  }
  await load();
}

// A name or a number goes into a body: an address is kept in too many places. A page that filters have left nearly empty is
// filled up from the next ones.
async function found(text, { grade, class_no, ...narrowed }, cursor) {
  const items = [];
  for (let round = 1; ; round += 1) {
    const body = { ...narrowed, text, cursor, limit: 50 };
    if (grade) body.grade = Number(grade);
    if (class_no) body.class_no = Number(class_no);
    const page = await api("/v1/students/searches", { method: "POST", body });
    items.push(...page.items);
    cursor = page.next_cursor;
    if (!cursor || items.length >= ENOUGH || round === ROUNDS) return { items, next_cursor: cursor };
  }
}

function results(items, wanted) {
  return table(["姓名", "性别", "出生日期", "学籍号", "年级班", "学校", "状态"], items.map((s) => [
    name(s, wanted), SEXES[s.sex], s.birth_date, number(s), className(s.grade, s.class_no), s.school_name,
    s.state === "in_school" ? STATES[s.state] : badge(STATES[s.state] ?? s.state, "warn"),
  ]), "学生");
}

function name(s, wanted) {
  const why = s.matched && WHY[s.matched];
  return h("div", null, h("a", { href: `#/students/${s.id}` }, marked(s.name, s.matched === "name" ? wanted : "")),
    why && h("div", { class: "muted" }, why, s.former_name && ["：", marked(s.former_name, wanted)]));
}

// The part of a name that was looked for, marked; signs and blanks do not count.
function marked(text, wanted) {
  const plain = wanted.replace(/[^\p{L}\p{N}]/gu, "").toLowerCase();
  const at = plain ? text.toLowerCase().indexOf(plain) : -1;
  return at < 0 ? text : [text.slice(0, at), h("mark", null, text.slice(at, at + plain.length)), text.slice(at + plain.length)];
}
