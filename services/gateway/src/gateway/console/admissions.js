// 招生入学: zones, the county's list of children, placement by zone, notices, the first day (clauses 4.1 to 13.1).
import { action, api, ask, badge, daysAgo, download, facts, fill, finding, h, newKey, paged, query, showProblem, table, toast, today, upload, when } from "./core.js";
import { applicationsPage } from "./applications.js";
import { school } from "./choosing.js";
import { session } from "./session.js";
import { zones } from "./zones.js";

const PROGRESS = { placed: ["待报到", ""], postponed: ["已延期", "warn"], reported: ["已报到", "good"], no_show: ["未报到", "bad"], handed_in: ["已报建籍", "good"], late: ["逾期未建籍", "bad"], ended: ["已撤销", ""] };
const WAYS = { zone: "学区", placed: "统筹", migrant: "随迁子女", private: "民办招生", international: "国际学生", intake: "初中招生" };
const LISTS = { checking: ["正在检查", ""], checked: ["待确认", "warn"], taking: ["正在列入", ""], done: ["已列入", "good"], failed: ["无法读取", "bad"] };
const ROWS = { accepted: ["可列入", "good"], known: ["已在名单", ""], refused: ["不能列入", "bad"] };
const isOfficer = () => session.has("authority_officer");
const isCounty = () => session.has("authority_officer", "leader");
const shown = (names, state) => badge(...names[state]);
const bar = (value, of, kind = "good") => h("progress", { class: `bar ${kind}`, max: of || 1, value: Math.min(value, of || 1), "aria-label": `${value}，共 ${of}` });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const edit = (version) => ({ "If-Match": `"${version}"` });
const PARTS = [["", "各校情况"], ["places", "入学安排"], ["children", "适龄儿童"], ["zones", "学区"], ["applications", "申请"]];

export async function admissionsPage(place, { id }) {
  const [part, key] = (id ?? "").split(".");
  const mine = PARTS.filter(([name]) => name !== "children" || isCounty());
  const body = h("div");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "招生入学"), h("p", { class: "muted" }, "学区、适龄儿童、入学安排、报到：从名单到开学第一天。")),
    h("div", { class: "row" }, mine.map(([name, label]) => h("a", { class: name === part ? "button primary" : "button", href: `#/admissions${name && `/${name}`}`, "aria-current": name === part && "page" }, label)))), body);
  const draw = { "": overview, places, children: childrenPart, list: listPage, zones, applications: applicationsPage }[part] ?? overview;
  return draw(body, key);
}

// ---- pictures -------------------------------------------------------------------------------------------------------

async function overview(place) {
  const { items, school_year } = await api("/v1/admissions/overview");
  const sum = (name) => items.reduce((all, one) => all + (one[name] ?? 0), 0);
  fill(place, h("div", { class: "card" }, facts([["学年", school_year], ["计划学位", sum("places")], ["已安排", sum("admitted")], ["已报到", sum("reported")], ["未报到", sum("no_show")], ["逾期未建籍", sum("late")], ["学校异议", sum("objections")]])),
    h("div", { class: "card" }, items.length ? table(["学校", "学位使用", "报到", "延期", "未报到", "建籍", "逾期"], items.map((s) => [
      h("a", { href: `#/admissions/places.${s.school}` }, s.school_name), s.places === null ? "没有招生计划" : [bar(s.admitted, s.places, s.admitted < s.places ? "good" : "warn"), ` ${s.admitted} / ${s.places}`],
      [bar(s.reported, s.admitted), ` ${s.reported} / ${s.admitted}`], s.postponed, s.no_show ? badge(s.no_show, "bad") : 0, [bar(s.handed_in, s.reported), ` ${s.handed_in} / ${s.reported}`], s.late ? badge(s.late, "bad") : 0]), "各校招生入学情况")
      : h("p", { class: "empty" }, "还没有招生计划和入学安排。")));
}

// ---- admissions -----------------------------------------------------------------------------------------------------

async function places(place, of) {
  const list = h("div", { class: "card" });
  const waits = h("div", { class: "card" });
  const registrar = session.has("registrar");
  let progress = "";
  const chosen = new Set();
  const pick = h("select", { "aria-label": "进展", onchange: () => { progress = pick.value; load().catch(showProblem); } }, [["", "全部"], ...Object.entries(PROGRESS).map(([key, [text]]) => [key, text])].map(([value, text]) => h("option", { value }, text)));
  const load = () => { chosen.clear(); return paged(list, (cursor) => api(`/v1/admissions${query({ school: of, progress, cursor, limit: 100 })}`), (items) => table(
    [registrar ? "" : "序", "学生", "学校", "途径", "通知书", "报到", "进展", "办理"], items.map((a, i) => [
      registrar && a.progress !== "ended" && !a.reported_on ? h("input", { type: "checkbox", "aria-label": `选择${a.name}`, onchange: (e) => (e.target.checked ? chosen.add(a.id) : chosen.delete(a.id)) }) : i + 1,
      [a.name, h("div", { class: "muted" }, a.birth_date)], a.school_name, [WAYS[a.way], a.street && h("div", { class: "muted" }, a.street)], [a.notice_number, h("div", { class: "muted" }, a.notice_printed ? "已打印" : "未打印")],
      a.reported_on ?? `${a.postponed_until ?? a.report_to} 前`, [shown(PROGRESS, a.progress), a.objection && h("div", { class: "bad" }, `学校异议：${a.objection}`)], acts(a, load)]), "入学安排"), "没有入学安排。"); };
  fill(place, h("div", { class: "row" }, pick, h("span", { class: "grow" }),
    registrar && action("登记报到", async () => {
      if (!chosen.size) { toast("请先勾选已报到的学生。", "bad"); return; }
      const done = await ask({ title: `登记 ${chosen.size} 名学生报到`, confirm: "登记", fields: [{ name: "reported_on", label: "报到日期", type: "date", required: true, value: today(), max: today() }],
        send: (body) => api("/v1/admissions/reports", { method: "POST", body: { ...body, admission_ids: [...chosen] } }) });
      if (done) { toast(`已登记 ${done.recorded} 名${done.already ? `，${done.already} 名此前已登记` : ""}。`); await load(); }
    }, { class: "primary" }),
    session.has("registrar", "principal", "authority_officer") && action("打印通知书", printAll)), list, h("h2", null, "延期报到"), waits);
  await Promise.all([load(), postponements(waits)]);
}

async function printAll() {
  const body = await ask({ title: "打印入学通知书", confirm: "打印", text: "按学校和编号排列，每份文件最多500份。", fields: [{ name: "only_new", label: "范围", options: [["true", "还没有打印过的"], ["false", "全部"]] }] });
  if (!body) return;
  await download("/v1/admissions/notices", { method: "POST", body: { only_new: body.only_new === "true" }, headers: { "Idempotency-Key": newKey() } });
}

function acts(a, load) {
  if (a.progress === "ended") return a.end_reason;
  const because = (label, title, sending, text, done) => action(label, async () => {
    const sent = await ask({ title, confirm: "提交", text, fields: [{ name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }], send: (body) => sending({ method: "POST", body, headers: edit(a.version) }) });
    if (sent) { toast(done); await load(); }
  });
  return h("div", { class: "row" },
    session.has("registrar") && !a.reported_on && action("延期", async () => {
      const sent = await ask({ title: `${a.name}：延期报到`, confirm: "登记", text: `应在 ${a.report_to} 前报到。须在此前一周内提出，一般不超过两周；更长的由主管教育行政部门批准。`, fields: [
        { name: "asked_on", label: "家长申请日期", type: "date", required: true, value: today(), max: today() }, { name: "until", label: "延期至", type: "date", required: true, min: a.report_to, value: daysAgo(-14) }, { name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }],
      send: (body) => api(`/v1/admissions/${a.id}/postponements`, { method: "POST", body }) });
      if (sent) { toast(sent.state === "granted" ? "已延期。" : "已报主管教育行政部门批准。"); await load(); }
    }),
    session.has("principal") && !a.objection && because("异议", `${a.name}：提出异议`, (how) => api(`/v1/admissions/${a.id}/objection`, how), "学校不得拒收。异议报县级教育行政部门，安排不变。", "已报县级教育行政部门，安排不变。"),
    isOfficer() && !a.registration_id && because("撤销", `${a.name}：撤销入学安排`, (how) => api(`/v1/admissions/${a.id}/end`, how), "学位空出，儿童回到待安排名单。", "已撤销。"));
}

const postponements = (place) => paged(place, (cursor) => api(`/v1/admissions/postponements${query({ cursor, limit: 50 })}`), (items) => table(["学生", "学校", "申请", "延期至", "原因", "结果"], items.map((p) => [
  p.name, p.school_name, p.asked_on, p.until, [p.reason, p.findings.filter((f) => f.outcome === "needs_override").map(finding)],
  p.state === "waiting" ? [badge("待批准", "warn"), isOfficer() && action("决定", async () => {
    const done = await ask({ title: `${p.name}：延期至 ${p.until}`, confirm: "提交", fields: [{ name: "decision", label: "决定", options: [["approve", "批准"], ["reject", "不批准"]] }, { name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }],
      send: (body) => api(`/v1/admissions/postponements/${p.id}/decisions`, { method: "POST", body, headers: edit(p.version) }) });
    if (done) await postponements(place);
  })] : badge(p.state === "granted" ? "已准予" : "未准予", p.state === "granted" ? "good" : "bad")]), "延期报到申请"), "没有延期报到申请。");

// ---- children of age ------------------------------------------------------------------------------------------------

async function childrenPart(place) {
  const lists = h("div", { class: "card" });
  const left = h("div", { class: "card" });
  const preview = h("div", { class: "card" });
  const status = h("div");
  const file = h("input", { type: "file", accept: ".xlsx", class: "sr", id: "children-list", onchange: () => take(file.files[0]) });
  const key = newKey();
  async function take(chosen) {
    if (!chosen) return;
    try { location.hash = `#/admissions/list.${(await upload("/v1/children-lists", chosen, key, (part) => fill(status, h("progress", { max: 1, value: part }))))["id"]}`; } catch (error) { fill(status); showProblem(error); }
  }
  fill(place, isOfficer() && h("div", { class: "row" }, h("label", { class: "button primary", for: "children-list" }, "上传适龄儿童名单"), file, action("下载空白名单", () => download("/v1/children-lists/template")), status),
    h("h2", null, "按学区安排"), preview, h("h2", null, "须手工安排"), left, h("h2", null, "名单"), lists);
  const byHand = () => paged(left, (cursor) => api(`/v1/children${query({ by_hand: true, cursor, limit: 100 })}`), (items) => table(["儿童", "出生日期", "原因", "办理"], items.map((c) => [c.name, c.birth_date, c.by_hand, isOfficer() && action("安排", async () => {
    const one = await api(`/v1/children/${c.id}`);
    const done = await ask({ title: `${c.name}：统筹安排`, confirm: "安排", text: `住址：${one.address}`, fields: [school({ name: "school", label: "学校", required: true }), { name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500, value: c.by_hand }],
      send: (body) => api("/v1/admissions", { method: "POST", body: { ...body, child_id: c.id } }) });
    if (done) { toast(`已安排到${done.school_name}。`); await byHand(); }
  })]), "须手工安排的儿童"), "没有须手工安排的儿童。");
  await Promise.all([byHand(), isCounty() && placing(preview, byHand).catch((error) => fill(preview, h("p", { class: "muted" }, error.message))),
    paged(lists, (cursor) => api(`/v1/children-lists${query({ cursor, limit: 20 })}`), (items) => table(["名单", "时间", "行数", "可列入", "不能列入", "状态"], items.map((l) => [h("a", { href: `#/admissions/list.${l.id}` }, l.file_name), `${l.created_by}，${when(l.created_at)}`, l.rows, l.accepted, l.refused, shown(LISTS, l.state)]), "适龄儿童名单"), "还没有上传过名单。")]);
}

async function placing(place, after) {
  const p = await api("/v1/admissions/placements/preview");
  fill(place, facts([["待安排", p.waiting], ["可按学区安排", p.placed], ["学区重叠", p.overlapping], ["不在任何学区", p.no_zone], ["学位不足", p.without_place]]),
    p.schools.length > 0 && table(["学校", "安排后的学位使用", "本次安排", "学位不足"], p.schools.map((s) => [s.school_name, s.places === null ? "没有招生计划" : [bar(s.taken + s.placed, s.places, s.taken + s.placed < s.places ? "good" : "warn"), ` ${s.taken + s.placed} / ${s.places}`], s.placed, s.without_place ? badge(s.without_place, "bad") : 0]), "试算结果"),
    isOfficer() && p.waiting > 0 && action(`安排 ${p.waiting} 名儿童`, async (button) => {
      if (!await ask({ title: "按学区安排入学", confirm: "安排", text: `将安排 ${p.placed} 名；另有 ${p.no_zone + p.without_place} 名须手工安排。安排以办理时的学区和学位为准，年龄大的在先。` })) return;
      let run = await api("/v1/admissions/placements", { method: "POST", body: {} });
      while (run.state === "running") { button.textContent = `正在安排：${run.placed + run.by_hand} / ${run.waiting}`; await pause(700); run = await api(`/v1/admissions/placements/${run.id}`); }
      toast(`已安排 ${run.placed} 名，${run.by_hand} 名须手工安排。`);
      await Promise.all([placing(place, after), after()]);
    }, { class: "primary" }));
}

async function listPage(place, id) {
  const head = h("div", { class: "card" });
  const rows = h("div", { class: "card" });
  fill(place, head, h("h2", null, "逐行结果"), rows);
  let list;
  do {
    list = await api(`/v1/children-lists/${id}`);
    const now = list;
    fill(head, h("h2", null, list.file_name, " ", shown(LISTS, list.state)), list.problem && h("p", { class: "error" }, list.problem),
      facts([["行数", list.rows], ["可列入", list.accepted], ["已在名单", list.known], ["不能列入", list.refused], ["已列入", list.taken]]), list.state === "taking" && h("progress", { max: list.accepted, value: list.taken }),
      list.state === "checked" && list.accepted > 0 && isOfficer() && action(`确认列入 ${list.accepted} 名`, async () => { await api(`/v1/children-lists/${id}/confirmation`, { method: "POST", headers: edit(now.version) }); await listPage(place, id); }, { class: "primary" }));
    if (list.state !== "checking" && list.state !== "taking") break;
    await pause(1000);
  } while (place.isConnected);
  await paged(rows, (cursor) => api(`/v1/children-lists/${id}/rows${query({ cursor, limit: 100 })}`), (items) => table(["行", "姓名", "证件号", "学区", "结果", "说明"], items.map((r) => [r.row, r.name, r.masked_document, r.school_name ? `${r.school_name}${r.street ? `（${r.street}）` : ""}` : "—", shown(ROWS, r.outcome), r.findings.map(finding)]), "逐行结果"), "还没有检查结果。");
}
