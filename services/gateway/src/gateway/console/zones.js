// 学区: which school serves an address; set one by one or by a workbook that is looked at first (clause 5.2).
import { action, api, ask, badge, download, facts, fill, finding, h, newKey, paged, query, table, toast, today, upload } from "./core.js";
import { countyField, school } from "./choosing.js";
import { session } from "./session.js";

const STAGES = [["primary", "小学"], ["junior", "初中"]];
const stageOf = (stage) => Object.fromEntries(STAGES)[stage] ?? stage;
const OUTCOMES = { added: ["新增", "good"], kept: ["不变", ""], empty: ["没有学区", "warn"], refused: ["不符合", "bad"] };
const CELLS = { school: "学校标识码", stage: "学段", division: "县（市、区）", street: "街道、社区、路段" };
const isOfficer = () => session.has("authority_officer");
const street = (text) => text || "全部";

export async function zones(place) {
  const list = h("div", { class: "card" });
  const load = () => paged(list, (cursor) => api(`/v1/attendance-zones${query({ cursor, limit: 100 })}`), (items) => table(["学校", "学段", "服务范围", "生效", "依据", ""], items.map((z) => [
    z.school_name, stageOf(z.stage), z.areas.map((a) => h("div", null, a.division, "：", a.streets.length ? a.streets.join("、") : "全部")), z.valid_to ? `${z.valid_from} 至 ${z.valid_to}` : z.valid_from, z.reason,
    isOfficer() && !z.valid_to && action("撤销", () => end(z).then((done) => done && load()), { class: "danger quiet" })]), "学区"), "还没有设定学区。");
  fill(place, h("div", { class: "row" }, action("按住址查学区", lookUp),
    isOfficer() && [action("下载学区表", () => download("/v1/attendance-zones/workbook")), action("上传学区表", () => workbook().then((done) => done && load())), action("设定一所学校", () => setOne().then((done) => done && load()), { class: "primary" })]), list);
  await load();
}

async function lookUp() {
  const found = await ask({ title: "按住址查学区", confirm: "查找", fields: [countyField({ name: "division", label: "县（市、区）", required: true }), { name: "address", label: "住址", required: true, maxlength: 200 }, { name: "stage", label: "学段", options: STAGES }],
    send: (body) => api("/v1/attendance-zones/searches", { method: "POST", body }) });
  if (found) await ask({ title: "查找结果", confirm: "", body: found.items.length ? found.items.map((m) => h("p", null, h("strong", null, m.school_name), m.street ? `（${m.street}）` : "（全县区）")) : h("p", null, "这个住址不在任何学校的学区内。") });
}

const shared = (overlaps) => overlaps.map((o) => `${street(o.street)}（${o.school_names.join("、")}）`).join("；");

async function setOne() {
  const fields = [school({ name: "school", label: "学校", required: true }), { name: "stage", label: "学段", options: STAGES }, countyField({ name: "division", label: "县（市、区）", required: true }),
    { name: "streets", label: "街道、社区（每行一个；不填则为全县区）", type: "textarea" }, { name: "valid_from", label: "生效日期", type: "date", required: true, value: today() }, { name: "reason", label: "依据（文件）", required: true, maxlength: 500 }];
  const done = await ask({ title: "设定学区", confirm: "设定", fields, send: ({ school: code, stage, division, streets, ...rest }) => api("/v1/attendance-zones", { method: "POST",
    body: { ...rest, zones: [{ school: code, stage, areas: [{ division, streets: streets.split(/[\n、，,]+/).map((s) => s.trim()).filter(Boolean) }] }] } }) });
  if (done) toast(done.overlaps.length ? `已设定；与其他学校重叠：${shared(done.overlaps)}。` : "已设定。");
  return done;
}

async function end(zone) {
  const done = await ask({ title: `撤销学区：${zone.school_name}（${stageOf(zone.stage)}）`, confirm: "撤销", danger: true, text: "从这一天起，这所学校没有学区；之前的安排不变。", fields: [
    { name: "on", label: "自哪天起", type: "date", required: true, min: today(), value: today() }, { name: "reason", label: "依据（文件）", required: true, maxlength: 500 }],
  send: (body) => api(`/v1/attendance-zones/${zone.school}/${zone.stage}/end`, { method: "POST", body, headers: { "If-Match": `"${zone.version}"` } }) });
  if (done) toast("已撤销。");
  return done;
}

// The workbook is looked at first; what was shown is what is then set.
async function workbook() {
  const input = h("input", { type: "file", accept: ".xlsx", required: true });
  const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "上传进度" });
  const key = newKey();
  let day = today();
  const seen = await ask({ title: "上传学区表", confirm: "检查", text: "先检查，不设定：逐行列出新增、撤销和重叠，全部无误再确认。表中没有写到的学校不变。",
    body: [h("label", { class: "field" }, h("span", null, "学区表（.xlsx）", h("b", null, " *")), input), bar], fields: [{ name: "valid_from", label: "生效日期", type: "date", required: true, min: today(), value: day }],
    send: ({ valid_from: from }) => { day = from; bar.hidden = false; return upload(`/v1/attendance-zones/workbook-prechecks${query({ valid_from: from })}`, input.files[0], `${key}-${from}-${input.files[0].lastModified}`, (part) => { bar.value = part; }); } });
  if (!seen) return null;
  const acts = seen.zones.length + seen.ends.length;
  const done = await ask({ title: "检查结果", wide: true, body: picture(seen, day), confirm: !seen.refused && acts > 0 && `自 ${day} 起设定`,
    fields: !seen.refused && acts > 0 ? [{ name: "reason", label: "依据（文件名称和文号）", required: true, maxlength: 500 }] : [],
    send: ({ reason }) => api("/v1/attendance-zones", { method: "POST", body: { zones: seen.zones, ends: seen.ends, valid_from: day, reason } }) });
  if (done) toast(`已设定：${done.changed} 个学区变更，${done.ended} 个撤销。`);
  return done;
}

function picture(seen, day) {
  const count = (outcome) => seen.rows.filter((row) => row.outcome === outcome).length;
  const where = (row) => row.findings.flatMap((f) => f.fields).filter((name) => CELLS[name]);
  const rows = [...seen.rows].sort((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome) || a.row - b.row).filter((row) => row.outcome !== "kept" || row.findings.length);
  return h("div", null,
    h("p", { class: seen.refused ? "finding refuse" : "finding note" }, seen.refused ? `有 ${seen.refused} 行不符合要求，没有设定任何学区。请更正后重新上传。`
      : seen.zones.length + seen.ends.length ? `自 ${day} 起：${seen.zones.length} 个学区变更，${seen.ends.length} 个撤销，${seen.unchanged} 个不变。` : "与现行学区相同，没有需要设定的。"),
    facts([["新增街道", count("added")], ["不变", count("kept")], ["不再归原学校", seen.closed.length], ["重叠", seen.overlaps.length], ["不符合", seen.refused]]),
    rows.length > 0 && table(["行", "学校", "学段", "县（市、区）", "街道、社区", "结果"], rows.map((row) => [row.row, row.school_name || row.school, stageOf(row.stage), row.division, row.division ? street(row.street) : "—",
      [badge(...OUTCOMES[row.outcome]), row.outcome === "refused" && h("div", { class: "muted" }, `单元格：${[...new Set(where(row))].map((name) => CELLS[name]).join("、")}`), row.findings.map(finding)]]), "逐行结果"),
    seen.closed.length > 0 && [h("h3", null, "不再归原学校的街道"), table(["学校", "学段", "县（市、区）", "街道、社区"], seen.closed.map((c) => [c.school_name, stageOf(c.stage), c.division, street(c.street)]), "不再归原学校的街道")],
    seen.overlaps.length > 0 && [h("h3", null, "重叠"), table(["学段", "县（市、区）", "街道、社区", "学校"], seen.overlaps.map((o) => [stageOf(o.stage), o.division, street(o.street), o.school_names.join("、")]), "重叠的街道")]);
}
const ORDER = ["refused", "added", "empty", "kept"];
