// Who sits in a class against whose record is there (就读核对, clauses 24.6.1, 48): pasted from a sheet, tried first, then kept.
import { action, api, ask, badge, download, empty, facts, fill, h, newKey, paged, Problem, query, svg, table, toast, upload, when } from "./core.js";
import { school } from "./choosing.js";
import { session } from "./session.js";
import { className } from "./words.js";

export const STANDINGS = {
  elsewhere: ["学籍在其他学校", "bad"], unknown: ["没有学籍", "warn"], unclear: ["不能核对", "warn"], absent: ["在籍未到", "warn"],
  other_class: ["在本校其他班", "warn"], under_way: ["正在建籍", ""], studies_here: ["学籍不转、在此就读", ""], here: ["学籍在本班", "good"],
};
const checks = () => session.has("registrar", "principal", "authority_officer");

export async function attendancePage(place, { id }) {
  if (id) return onePage(place, id);
  const list = h("div", { class: "card" });
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "就读核对"), h("p", { class: "muted" }, "把坐在班里的学生名单与学籍比对：学籍在其他学校的不得就读（第二十四条），列为整改；在籍未到的提示核实去向。")),
    checks() && action("核对一个班", newCheck, { class: "primary" })), list);
  return paged(list, (cursor) => api(`/v1/attendance-checks${query({ cursor, limit: 50 })}`), (items) => table(["日期", "学校", "班级", "结果", "核对人"], items.map((c) => [
    h("a", { href: `#/attendance/${c.id}` }, c.on), c.school_name, className(c.grade, c.class_no), [counts(c), c.superseded && badge("已有新的核对", "")], c.made_by]), "就读核对"), "还没有核对过。");
}

const counts = (c) => Object.entries(STANDINGS).filter(([key]) => c.counts[key]).map(([key, [text, kind]]) => [badge(`${text} ${c.counts[key]}`, kind), " "]);

// One bar for the class: each standing a piece of it.
const COLOURS = { good: "#2e7d32", bad: "#c62828", warn: "#ef9b00", "": "#78909c" };
function picture(c) {
  const total = Object.values(c.counts).reduce((sum, n) => sum + n, 0) || 1;
  let at = 0;
  const pieces = Object.entries(STANDINGS).filter(([key]) => c.counts[key]).map(([key, [text, kind]]) => {
    const width = (c.counts[key] / total) * 600, x = at;
    at += width;
    return svg("rect", { x, y: 0, width, height: 18, fill: COLOURS[kind] }, svg("title", {}, `${text} ${c.counts[key]}人`));
  });
  return svg("svg", { viewBox: "0 0 600 18", width: "100%", height: 18, role: "img", "aria-label": "各类人数" }, ...pieces);
}

const order = Object.keys(STANDINGS);
const lines = (c) => c.rows.length ? table(["行", "姓名", "证件号", "情况", "怎样办理"], [...c.rows].sort((a, b) => order.indexOf(a.standing) - order.indexOf(b.standing)).map((r) => [
  r.row || "—", r.student_id ? h("a", { href: `#/students/${r.student_id}` }, r.name) : r.name, h("code", null, r.masked_document), badge(...STANDINGS[r.standing]),
  r.findings.map((f) => h("div", null, f.message, f.cure && `。${f.cure}`, f.clause && h("span", { class: "clause" }, `第${f.clause}条`)))]), "逐人结果") : empty("没有内容。");

function shown(c) {
  return [picture(c), facts([["学校", c.school_name], ["班级", className(c.grade, c.class_no)], ["日期", c.on], ["结果", counts(c)]]), lines(c)];
}

async function onePage(place, id) {
  const c = await api(`/v1/attendance-checks/${id}`);
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, `就读核对：${c.school_name}${className(c.grade, c.class_no)}`), h("p", { class: "muted" }, `${c.made_by}，${when(c.made_at)}`)), h("a", { class: "button", href: "#/attendance" }, "返回")),
    c.superseded && h("p", { class: "finding note" }, "这个班已有新的核对，以新的为准。"), h("div", { class: "card" }, shown(c)));
}

// A line a pupil: name and number, as they come out of a sheet; for other documents kind, sex (1 男 2 女) and birth date follow.
function parse(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const [name, number, kind, sex, born] = line.split(/[\t,，]+|\s{2,}| (?=\S*\d)/).map((cell) => cell.trim());
    return { name, document_number: number ?? "", ...(kind && { document_kind: kind }), ...(sex && { sex }), ...(born && { birth_date: born }) };
  });
}

async function newCheck() {
  const own = session.has("registrar", "principal") ? session.get().account.organisation : "";
  const input = h("input", { type: "file", accept: ".xlsx" });
  const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "上传进度" });
  let body;
  const tried = await ask({ title: "核对一个班", wide: true, confirm: "比对", text: "先只比对，不保存。填写就读名单表上传，或者粘贴：每行一名学生，姓名、身份证件号（可从表格中复制两列）；非居民身份证的，再写证件类型代码、性别（1男2女）、出生日期。", fields: [
    school({ name: "school", label: "学校", required: true, value: own }),
    { name: "grade", label: "年级", type: "number", required: true, min: 1, max: 9 }, { name: "class_no", label: "班号", type: "number", required: true, min: 1, max: 99 },
    { name: "file", label: "就读名单表（.xlsx）", control: input, after: [bar, action("下载空白表", blank, { class: "link" })] },
    { name: "rows", label: "或者粘贴坐在班里的学生", type: "textarea", maxlength: 20000 }],
  send: async (given) => {
    const rows = input.files[0] ? await read(given.school, input.files[0], bar) : parse(given.rows);
    if (!rows.length) throw new Problem({ detail: "请上传就读名单表，或者粘贴学生名单。" }, 0);
    body = { school: given.school, grade: Number(given.grade), class_no: Number(given.class_no), rows };
    return send(body, true, newKey());
  } });
  if (!tried) return;
  const key = newKey();
  const kept = await ask({ title: "比对结果", wide: true, confirm: "保存核对结果", body: [shown(tried)],
    text: tried.counts.elsewhere ? `有 ${tried.counts.elsewhere} 名学生的学籍在其他学校。保存后列为学校的整改事项。` : "保存后作为这个班最近一次核对。", fields: [],
    send: () => send(body, false, key) });
  if (kept) { toast("已保存。"); location.hash = `#/attendance/${kept.id}`; }
}

const blank = (button) => {
  const code = button.closest("form").elements.school.value.trim();
  if (!/^\d{10}$/.test(code)) throw new Problem({ detail: "请先选择学校。" }, 0);
  return download(`/v1/schools/${code}/attendance-checks/workbook`);
};

// What stands in the workbook; rows with a fault stop it, each with what to do about it.
async function read(code, file, bar) {
  bar.hidden = false;
  try {
    const found = await upload(`/v1/schools/${code}/attendance-checks/workbook-readings`, file, newKey(), (part) => { bar.value = part; });
    if (!found.refused) return found.rows.map((row) => row.seated);
    const lines = found.rows.filter((row) => !row.seated).map((row) => `第${row.row}行${row.name ? `（${row.name}）` : ""}：${row.findings.map((f) => f.message + (f.cure ? `（${f.cure}）` : "")).join("；")}`);
    throw new Problem({ detail: [`有 ${found.refused} 行需要更正，没有比对。请更正后重新上传。`, ...lines.slice(0, 10), ...(lines.length > 10 ? [`另有 ${lines.length - 10} 行。`] : [])].join("\n") }, 0);
  } finally {
    bar.hidden = true;
  }
}

const send = ({ school, ...body }, dry_run, key) => api(`/v1/schools/${school}/attendance-checks`, { method: "POST", body: { ...body, dry_run }, headers: { "Idempotency-Key": key } });
