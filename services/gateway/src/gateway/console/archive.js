// The archive of a student (学籍档案, clause 14): six sections in tabs, entries added and put right, papers, downloads.
import { action, api, ask, badge, download, empty, fill, h, newKey, table, toast, today, upload, when } from "./core.js";
import { session } from "./session.js";
import { AID, ASPECTS, AWARD_ASPECTS, AWARD_LEVELS, EVIDENCE, LEVELS, SANCTIONS, SCANS, TERMS } from "./archive_words.js";

const SECTIONS = [[1, "基础信息及变动"], [2, "证明材料"], [3, "综合素质"], [4, "体质健康"], [5, "奖惩"], [6, "资助"]];
const choices = (words) => Object.entries(words);
const schoolYear = () => Number(today().slice(0, 4)) - (today().slice(5) < "09-01" ? 1 : 0);
const year = () => ({ name: "school_year", label: "学年（起始年份）", type: "number", required: true, min: 1986, max: 2100, value: schoolYear() });
const term = { name: "term", label: "学期", options: choices(TERMS) };
const text = (name, label, more = {}) => ({ name, label, required: true, maxlength: 60, ...more });
const long = (name, label, required = true) => ({ name, label, type: "textarea", required, maxlength: 1000, hint: "写明等级或表现；不写名次，不写证件号等号码" });
const number = (name, label, more) => ({ name, label, type: "number", step: "any", ...more });

// What each kind of entry asks for, and how it is read.
const KINDS = {
  exam: { section: 3, title: "学业考试", fields: () => [year(), term, text("subject", "科目"), text("result", "成绩或等级", { maxlength: 20 })],
    say: (e) => [`${e.school_year}学年${TERMS[e.term]} ${e.subject}`, e.result] },
  evaluation: { section: 3, title: "综合素质评价", fields: () => [year(), term, { name: "aspect", label: "方面", options: choices(ASPECTS) }, { name: "level", label: "等级", options: [["", "（不评等级）"], ...choices(LEVELS)] }, long("text", "表现", false)],
    say: (e) => [`${e.school_year}学年${TERMS[e.term]} ${ASPECTS[e.aspect]}`, [LEVELS[e.level], e.text].filter(Boolean).join("；")] },
  fitness_test: { section: 4, title: "体质健康测试", fields: () => [year(), { name: "level", label: "等级", options: choices(LEVELS) }, number("score", "总分", { min: 0, max: 120 }), { name: "items", label: "各项成绩", type: "textarea", hint: "每行一项，如：50米跑 9.8秒" }],
    say: (e) => [`${e.school_year}学年体质健康测试`, [LEVELS[e.level], e.score && `${e.score}分`, Object.entries(e.items ?? {}).map((pair) => pair.join(" ")).join("，")].filter(Boolean).join("；")] },
  checkup: { section: 4, title: "健康体检", fields: () => [text("institution", "体检机构"), number("height_cm", "身高（厘米）", { min: 40, max: 250 }), number("weight_kg", "体重（千克）", { min: 2, max: 250 }), number("vision_left", "左眼视力", { min: 0, max: 5.3 }), number("vision_right", "右眼视力", { min: 0, max: 5.3 }), long("conclusion", "结论")],
    say: (e) => [`体检 ${e.institution}`, [e.height_cm && `身高${e.height_cm}厘米`, e.weight_kg && `体重${e.weight_kg}千克`, e.vision_left && `左眼${e.vision_left}`, e.vision_right && `右眼${e.vision_right}`, e.conclusion].filter(Boolean).join("；")] },
  vaccination: { section: 4, title: "预防接种", fields: () => [text("vaccine", "疫苗"), number("dose", "第几剂", { required: true, min: 1, max: 20, step: 1, value: 1 }), { name: "institution", label: "接种单位", maxlength: 60 }],
    say: (e) => [`接种 ${e.vaccine}`, [`第${e.dose}剂`, e.institution].filter(Boolean).join("；")] },
  award: { section: 5, title: "奖励", fields: () => [text("title", "奖项"), { name: "level", label: "级别", options: choices(AWARD_LEVELS) }, { name: "aspect", label: "方面", options: choices(AWARD_ASPECTS) }, text("awarded_by", "颁奖单位"), { name: "document", label: "文号", maxlength: 60 }],
    say: (e) => [`奖励 ${e.title}`, [`${AWARD_LEVELS[e.level]}（${AWARD_ASPECTS[e.aspect]}）`, e.awarded_by, e.document].filter(Boolean).join("；")] },
  sanction: { section: 5, title: "处分", fields: () => [{ name: "sanction", label: "处分", options: choices(SANCTIONS) }, long("reason", "事由"), text("decided_by", "决定单位"), { name: "document", label: "文号", maxlength: 60 }],
    say: (e) => [`处分 ${SANCTIONS[e.sanction]}`, [e.reason, e.decided_by, e.document].filter(Boolean).join("；")] },
  aid: { section: 6, title: "资助", fields: () => [{ name: "programme", label: "项目", options: choices(AID) }, number("yuan", "金额（元）", { min: 0.01, max: 1000000, step: 0.01 }), text("granted_by", "资助单位"), long("text", "说明", false)],
    say: (e) => [AID[e.programme], [e.amount_fen && `${(e.amount_fen / 100).toFixed(2)}元`, e.granted_by, e.text].filter(Boolean).join("；")] },
};
const NUMBERS = ["school_year", "score", "height_cm", "weight_kg", "vision_left", "vision_right", "dose"];

// What was typed, as the API wants it: numbers as numbers, nothing for what was left empty.
function entryOf(kind, given) {
  const entry = { kind };
  for (const { name } of KINDS[kind].fields()) {
    const value = given[name];
    if (value === "" || value === undefined) continue;
    if (name === "items") entry.items = Object.fromEntries(value.split("\n").map((line) => line.trim().split(/\s+(.*)/s)).filter(([key, said]) => key && said));
    else if (name === "yuan") entry.amount_fen = Math.round(Number(value) * 100);
    else entry[name] = NUMBERS.includes(name) ? Number(value) : value;
  }
  return entry;
}

function typed(entry) {
  return { ...entry, items: Object.entries(entry.items ?? {}).map((pair) => pair.join(" ")).join("\n"), yuan: entry.amount_fen ? entry.amount_fen / 100 : "" };
}

const writes = () => session.has("registrar", "class_teacher", "principal");
const files = () => session.has("registrar", "principal");
const takes = () => session.has("registrar", "principal", "authority_officer");

// Draws the six tabs. `base`: what stands in the first besides the changes; `day`: as of which day, "" for now.
export async function archiveTabs(place, student, day, base) {
  const path = `/v1/students/${student.id}/archive`;
  let chosen = 1;
  const body = h("div", { class: "card", role: "tabpanel" });
  const bar = h("div", { class: "row tabs", role: "tablist" });
  let archive;

  async function load() {
    archive = await api(path + (day ? `?as_of=${day}` : ""));
    draw();
  }
  function draw() {
    const editable = !day && !archive.copy_as_of;
    fill(bar, SECTIONS.map(([section, name]) => action(`${section} ${name}`, () => { chosen = section; draw(); }, { role: "tab", "aria-selected": String(section === chosen), class: section === chosen ? "primary" : undefined })));
    fill(body, chosen === 1 ? base(archive) : chosen === 2 ? papers(editable) : entries(editable));
  }
  function papers(editable) {
    return [
      editable && files() && h("div", { class: "row" }, action("上传并归档证明材料", async () => { if (await filePaper()) await load(); }, { class: "primary" })),
      archive.evidence.length ? table(["归档日期", "材料", "文件", "查毒", ""], archive.evidence.map(({ evidence: e, filed_on }) => [
        filed_on, EVIDENCE[e.kind] ?? e.kind, `${e.name}（${Math.ceil(e.size / 1000)} KB）`, badge(SCANS[e.scan], e.scan === "clean" ? "good" : e.scan === "infected" ? "bad" : "warn"),
        files() || session.has("authority_officer", "leader") ? action("打开", () => download(`/v1/evidence-files/${e.id}/content`)) : "",
      ]), "证明材料") : empty("没有证明材料。")];
  }
  function entries(editable) {
    const mine = archive.entries.filter((e) => e.section === chosen);
    const kinds = Object.entries(KINDS).filter(([, kind]) => kind.section === chosen);
    return [
      editable && writes() && h("div", { class: "row" }, kinds.map(([kind, { title }]) => action(`记入${title}`, async () => { if (await add(kind)) await load(); }))),
      mine.length ? table(["日期", "事项", "内容", "记录", ""], mine.map((e) => {
        const [what, said] = KINDS[e.entry.kind].say(e.entry);
        return [e.on, e.superseded_by ? h("s", null, what) : what, e.superseded_by ? h("s", null, said) : said,
          h("div", null, e.recorded_by, h("div", { class: "muted" }, when(e.recorded_at)), e.reason && h("div", { class: "muted" }, `更正理由：${e.reason}`)),
          e.superseded_by ? badge("已更正", "warn") : editable && writes() ? action("更正", async () => { if (await putRight(e)) await load(); }) : ""];
      }), SECTIONS[chosen - 1][1]) : empty("没有内容。")];
  }
  const on = (value) => ({ name: "on", label: "日期", type: "date", required: true, max: today(), value });
  function add(kind) {
    return ask({ title: `${student.name}：记入${KINDS[kind].title}`, wide: true, confirm: "记入", text: "记入后永久保存；有误的以更正的方式处理，原记录保留。", fields: [on(today()), ...KINDS[kind].fields()],
      send: (given) => api(`${path}/entries`, { method: "POST", body: { on: given.on, entry: entryOf(kind, given) } }) });
  }
  function putRight(e) {
    const kind = e.entry.kind, before = typed(e.entry);
    const fields = KINDS[kind].fields().map((one) => ({ ...one, value: before[one.name] ?? "" }));
    return ask({ title: `更正${KINDS[kind].title}`, wide: true, confirm: "更正", text: "原记录保留，标明已更正。", fields: [on(e.on), ...fields, { name: "reason", label: "更正理由", required: true, minlength: 4, maxlength: 500 }],
      send: (given) => api(`/v1/archive-entries/${e.id}/correction`, { method: "POST", body: { on: given.on, entry: entryOf(kind, given), reason: given.reason } }) });
  }
  function filePaper() {
    const progress = h("progress", { max: 1, value: 0 });
    const chosenFile = h("input", { type: "file", required: true, accept: ".pdf,.jpg,.jpeg,.png", "aria-label": "文件" });
    let kept;
    const key = newKey();
    return ask({ title: "上传并归档证明材料", confirm: "上传", text: "PDF、JPEG 或 PNG，不超过 20 MB。", body: [h("div", { class: "field" }, chosenFile), progress],
      fields: [{ name: "kind", label: "材料", options: choices(EVIDENCE) }, on(today())],
      send: async ({ kind, on: filedOn }) => {
        kept ??= await upload("/v1/evidence-files", chosenFile.files[0], key, (share) => { progress.value = share; });
        if (kept.scan === "pending") kept = await api(`/v1/evidence-files/${kept.id}`);
        await api(`${path}/evidence`, { method: "POST", body: { on: filedOn, evidence: [{ evidence_id: kept.id, kind }] } });
        toast("已归档。");
      } });
  }
  const take = (form) => download(`${path}/files`, { method: "POST", body: { form, as_of: day || null } });

  await load();
  fill(place,
    h("h2", null, "学籍档案 ", badge(archive.intact ? "记录链完整" : "记录链不完整", archive.intact ? "good" : "bad")),
    takes() && h("div", { class: "row" }, action("打印（PDF/A）", () => take("pdf")), action("下载档案包（可自行核验）", () => take("package")), h("span", { class: "muted" }, "载明取得人，记入审计。")),
    bar, body);
}
