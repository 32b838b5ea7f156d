// Enrolment plans (clause 4): an authority sets them for its schools, a school sees its own and asks for a change.
import { action, api, ask, badge, download, empty, facts, fill, finding, h, newKey, paged, query, showProblem, table, toast, today, upload, when } from "./core.js";
import { school } from "./choosing.js";
import { paperList, papers } from "./papers.js";
import { session } from "./session.js";

const STAGES = { primary: "小学", junior: "初中" };
const CHANGES = { waiting: ["待审批", "warn"], approved: ["已批准", "good"], rejected: ["未批准", "bad"], withdrawn: ["已撤回", ""] };
const OUTCOMES = { created: ["新下达", "good"], changed: ["变更", "warn"], unchanged: ["不变", ""], refused: ["不符合", "bad"] };
const officer = () => session.has("authority_officer");
const isSchool = () => session.has("principal", "registrar");
// From August on registrations are for the year that is about to begin.
const yearNow = () => Number(today().slice(0, 4)) - (Number(today().slice(5, 7)) >= 8 ? 0 : 1);
const years = () => [yearNow() + 1, yearNow(), yearNow() - 1].map((year) => [String(year), `${year}年秋季`]);
const reload = () => dispatchEvent(new Event("hashchange"));
const versioned = (one) => ({ headers: { "If-Match": `"${one.version}"` } });

function bar(plan) {
  const share = plan.places ? plan.taken / plan.places : 0;
  const title = `${plan.places}个学位，已占用${plan.taken}个，剩余${plan.free}个`;
  return h("span", { title }, h("progress", { class: `bar ${share >= 1 ? "bad" : share >= 0.9 ? "warn" : "good"}`, max: Math.max(plan.places, 1), value: plan.taken, "aria-label": title }),
    ` ${plan.taken} / ${plan.places}`);
}

const stateOf = (plan) => [plan.state === "returned" ? badge("被退回", "bad") : badge("生效", "good"), plan.waiting_change && badge("有调整申请", "warn")];

export async function plansPage(place, { id }) {
  if (id === "changes") return changesPage(place);
  if (id) return planPage(place, id);
  const list = h("div", { class: "card" });
  const picture = h("div");
  const year = h("select", { "aria-label": "学年", onchange: () => load().catch(showProblem) }, years().map(([code, text]) => h("option", { value: code, selected: code === String(yearNow()) }, text)));
  const filed = h("select", { "aria-label": "范围", onchange: () => load().catch(showProblem) }, [["", "管理范围内"], ["true", "报送本级备案的"]].map(([code, text]) => h("option", { value: code }, text)));
  const load = () => paged(list, (cursor) => api(`/v1/enrolment-plans${query({ school_year: year.value, filed: filed.value, cursor, limit: 100 })}`), (items) => {
    const sum = (key) => items.reduce((total, one) => total + one[key], 0);
    fill(picture, items.length > 0 && h("div", { class: "card" }, facts([["学校和学段", items.length], ["学位", sum("places")], ["已占用", sum("taken")], ["剩余", sum("free")]])));
    return table(["学校", "学段", "班数", "已占用 / 学位", "剩余", "状态"], items.map((plan) => [
      h("a", { href: `#/plans/${plan.id}` }, plan.school_name), STAGES[plan.stage], plan.classes, bar(plan), plan.free, stateOf(plan)]), "招生计划");
  }, officer() ? "还没有下达招生计划。没有计划的学校不能为新生建籍。" : "还没有招生计划。请联系主管教育行政部门下达。");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "招生计划"), h("p", { class: "muted" }, "学校按计划招收新生，一个学位一名学生；计划下达即报上级备案。")),
    h("div", { class: "row" }, year, officer() && filed, h("a", { class: "button", href: "#/plans/changes" }, "调整申请"),
      officer() && action("下载计划表", () => download(`/v1/enrolment-plans/workbook?school_year=${year.value}`)),
      officer() && action("上传计划表", () => workbook(year.value)),
      officer() && action("下达一所学校", () => setOne(year.value), { class: "primary" }))), picture, list);
  return load();
}

// What would be done, row by row; it is done when all rows are in order and somebody says so.
async function confirmed(items, title) {
  const refused = items.filter((one) => one.outcome === "refused");
  const acts = items.filter((one) => one.outcome === "created" || one.outcome === "changed");
  const body = h("div", null, h("p", null, refused.length ? `有 ${refused.length} 项不符合要求，请更正后重新检查；没有下达任何计划。` : `将下达 ${acts.length} 项计划并报备案，${items.length - acts.length} 项不变。`),
    table(["行", "学校", "学段", "班数", "学位", "结果"], [...refused, ...items.filter((one) => one.outcome !== "refused")].map((one) => [
      one.row, one.school_name || one.school, STAGES[one.stage] ?? one.stage, one.classes, one.places,
      h("div", null, badge(...OUTCOMES[one.outcome]), one.findings.map(finding))]), title));
  return ask({ title, wide: true, body, confirm: !refused.length && acts.length > 0 && `下达 ${acts.length} 项` });
}

async function setAll(items) {
  const plans = items.filter((one) => one.outcome === "created" || one.outcome === "changed").map(({ school: code, school_year, stage, classes, places, outcome, version, reason }) => (
    { school: code, school_year, stage, classes, places, reason, version: outcome === "created" ? 0 : version - 1 }));
  const done = await api("/v1/enrolment-plans", { method: "POST", body: { plans } });
  toast(`已下达 ${done.items.length} 项招生计划，并报备案。`);
  reload();
}

async function workbook(year) {
  const input = h("input", { type: "file", accept: ".xlsx", "aria-label": "招生计划表" });
  if (!await ask({ title: `${year}年秋季招生计划表`, text: "先检查，不下达；检查全部通过后再确认。", body: input, confirm: "检查" }) || !input.files[0]) return;
  const { items } = await upload(`/v1/enrolment-plans/workbook-prechecks?school_year=${year}`, input.files[0], newKey(), () => {});
  if (await confirmed(items, "检查结果")) await setAll(items);
}

async function setOne(year) {
  const given = await ask({ title: `下达${year}年秋季招生计划`, confirm: "检查", fields: [
    school({ name: "school", label: "学校", required: true }),
    { name: "stage", label: "学段", options: Object.entries(STAGES) },
    { name: "classes", label: "班数", type: "number", min: 0, max: 200, required: true },
    { name: "places", label: "学位数", type: "number", min: 0, max: 9999, required: true, hint: "不超过班数乘标准班额" },
    { name: "reason", label: "说明", maxlength: 500, hint: "文件名称和文号" }] });
  if (!given) return;
  const plan = { ...given, school_year: Number(year), classes: Number(given.classes), places: Number(given.places) };
  const { items } = await api("/v1/enrolment-plans/prechecks", { method: "POST", body: { plans: [plan] } });
  if (await confirmed(items, "检查结果")) await setAll(items);
}

async function planPage(place, id) {
  const plan = await api(`/v1/enrolment-plans/${id}`);
  const own = session.get().account.organisation;
  fill(place,
    h("div", { class: "head" }, h("div", null, h("h1", null, `${plan.school_name}　${plan.school_year}年秋季${STAGES[plan.stage]}`, " ", stateOf(plan)), h("p", { class: "muted" }, bar(plan), `　剩余 ${plan.free} 个学位`)),
      h("div", { class: "row" }, h("a", { class: "button", href: "#/plans" }, "返回列表"),
        isSchool() && own === plan.school && plan.state === "in_force" && !plan.waiting_change && action("申请调整", () => askChange(plan), { class: "primary" }),
        officer() && own === plan.filed_with && plan.filed_with !== plan.authority && plan.state === "in_force" && action("退回", () => giveBack(plan), { class: "danger" }))),
    plan.return_reason && h("div", { class: "finding refuse" }, h("span", null, `备案机关退回：${plan.return_reason}`), h("div", { class: "cure" }, "由主管教育行政部门重新下达；之前不再占用新的学位，已录取、已建籍的不受影响。")),
    h("div", { class: "card" }, facts([["班数", plan.classes], ["学位", plan.places], ["已占用", plan.taken], ["下达", plan.issued_by], ["备案时间", when(plan.filed_at)]])),
    h("div", { class: "card" }, h("h2", null, "历次版本"), table(["版本", "班数", "学位", "说明", "下达人", "时间"], [...plan.versions].reverse().map((one) => [
      one.version, one.classes, one.places, one.change_id ? h("a", { href: "#/plans/changes" }, one.reason) : one.reason || "—", one.issued_by, when(one.issued_at)]), "历次版本")));
}

async function askChange(plan) {
  const made = await ask({ title: "申请调整招生计划", text: `现行计划：${plan.classes}个班，${plan.places}个学位，已占用${plan.taken}个。`, confirm: "提交申请", fields: [
    { name: "classes", label: "班数", type: "number", min: 1, max: 200, required: true, value: plan.classes },
    { name: "places", label: "学位数", type: "number", min: 1, max: 9999, required: true, value: plan.places, hint: `不少于已占用的${plan.taken}个` },
    { name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }],
  send: ({ classes, places, reason }) => api(`/v1/enrolment-plans/${plan.id}/changes`, { method: "POST", body: { classes: Number(classes), places: Number(places), reason } }) });
  if (!made) return;
  toast("已提交，由主管教育行政部门审批。");
  location.hash = "#/plans/changes";
}

async function giveBack(plan) {
  const done = await ask({ title: "退回备案的招生计划", text: "退回后不再占用新的学位，直到重新下达。", danger: true, confirm: "退回", fields: [
    { name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }],
  send: (body) => api(`/v1/enrolment-plans/${plan.id}/returns`, { method: "POST", body, ...versioned(plan) }) });
  if (done) reload();
}

async function changesPage(place) {
  const list = h("div", { class: "card" });
  const load = () => paged(list, (cursor) => api(`/v1/enrolment-plan-changes${query({ state: state.value, cursor, limit: 50 })}`), (items) => table(
    ["学校", "学段", "现行", "申请", "原因", "状态", ""], items.map((one) => [
      h("a", { href: `#/plans/${one.plan_id}` }, one.school_name), `${one.school_year}年${STAGES[one.stage]}`, `${one.former_classes}班${one.former_places}人`,
      `${one.classes}班${one.places}人`, h("div", null, one.reason, h("div", { class: "muted" }, `${one.asked_by}，${when(one.asked_at)}`)),
      h("div", null, badge(...CHANGES[one.state]), one.granted_places && h("div", null, `批准${one.granted_classes}班${one.granted_places}人`), one.decision_reason && h("div", { class: "muted" }, one.decision_reason)),
      one.state === "waiting" && h("div", { class: "row" }, officer() && action("审批", () => decide(one), { class: "primary" }),
        isSchool() && action("撤回", async () => { await api(`/v1/enrolment-plan-changes/${one.id}/withdrawal`, { method: "POST", ...versioned(one) }); reload(); }))]), "调整申请"), "没有调整申请。");
  const state = h("select", { "aria-label": "状态", onchange: () => load().catch(showProblem) }, [["", "全部状态"], ...Object.entries(CHANGES).map(([code, [text]]) => [code, text])].map(([code, text]) => h("option", { value: code }, text)));
  fill(place, h("div", { class: "head" }, h("h1", null, "招生计划调整申请"), h("div", { class: "row" }, state, h("a", { class: "button", href: "#/plans" }, "返回招生计划"))), list);
  return load();
}

async function decide(one) {
  const done = await ask({ title: `${one.school_name}：申请${one.classes}个班、${one.places}个学位`, text: one.reason, confirm: "提交", fields: [
    { name: "decision", label: "决定", options: [["approve", "批准（可改数）"], ["reject", "不批准"]] },
    { name: "classes", label: "批准班数", type: "number", min: 1, max: 200, value: one.classes },
    { name: "places", label: "批准学位数", type: "number", min: 1, max: 9999, value: one.places },
    { name: "reason", label: "意见", type: "textarea", maxlength: 500, hint: "不批准的必须填写" }],
  send: ({ decision, classes, places, reason }) => api(`/v1/enrolment-plan-changes/${one.id}/decisions`, { method: "POST", ...versioned(one),
    body: decision === "approve" ? { decision, reason, classes: Number(classes), places: Number(places) } : { decision, reason } }) });
  if (!done) return;
  toast("已办理。");
  reload();
}

// ---- admission schemes of private schools (clause 8) ------------------------------------------------------------------

const SCHEMES = { waiting: ["待审批", "warn"], returned: ["退回修改", "warn"], approved: ["已批准", "good"], rejected: ["未批准", "bad"] };
const text = (one) => [
  { name: "title", label: "方案名称", required: true, maxlength: 200, value: one?.title ?? "" },
  { name: "body", label: "方案全文", type: "textarea", required: true, maxlength: 50000, rows: 14, value: one?.body ?? "" }];

export async function schemesPage(place, { id }) {
  if (id) return schemePage(place, id);
  const list = h("div", { class: "card" });
  const load = () => paged(list, (cursor) => api(`/v1/admission-schemes${query({ cursor, limit: 50 })}`), (items) => table(
    ["学校", "学年", "方案", "报送", "状态"], items.map((one) => [one.school_name, `${one.school_year}年秋季`, h("a", { href: `#/schemes/${one.id}` }, one.title),
      h("div", null, one.submitted_by, h("div", { class: "muted" }, when(one.submitted_at))), badge(...SCHEMES[one.state])]), "招生方案"), "没有招生方案。");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "民办学校招生方案"), h("p", { class: "muted" }, "方案经主管教育行政部门批准后，学校才能为新生建籍。")),
    isSchool() && action("报送方案", submit, { class: "primary" })), list);
  return load();
}

const official = async (files) => (await files.send()).map((file) => ({ ...file, kind: "official_document" }));

async function submit() {
  const files = papers("附件（盖章的方案、董事会决议等，最多10个）");
  const made = await ask({ title: "报送招生方案", confirm: "报送", wide: true, body: files.field, fields: [{ name: "school_year", label: "学年", options: years().slice(0, 2), value: String(yearNow()) }, ...text()],
    send: async (given) => api("/v1/admission-schemes", { method: "POST", body: { ...given, school_year: Number(given.school_year), evidence: await official(files) } }) });
  if (made) location.hash = `#/schemes/${made.id}`;
}

async function schemePage(place, id) {
  const one = await api(`/v1/admission-schemes/${id}`);
  const own = session.get().account.organisation === one.school;
  fill(place,
    h("div", { class: "head" }, h("div", null, h("h1", null, one.title, " ", badge(...SCHEMES[one.state])), h("p", { class: "muted" }, `${one.school_name}，${one.school_year}年秋季，${one.submitted_by}于${when(one.submitted_at)}报送`)),
      h("div", { class: "row" }, h("a", { class: "button", href: "#/schemes" }, "返回列表"),
        own && (one.state === "waiting" || one.state === "returned") && action("修改", async () => {
          const files = papers(`增加附件（已有 ${one.evidence.length} 个，保留）`);
          const done = await ask({ title: "修改招生方案", confirm: "重新报送", wide: true, body: files.field, fields: text(one), send: async (body) => api(`/v1/admission-schemes/${id}`, { method: "PUT", body: { ...body, evidence: await official(files) }, ...versioned(one) }) });
          if (done) reload();
        }),
        officer() && one.state === "waiting" && action("审批", async () => {
          const done = await ask({ title: "审批招生方案", confirm: "提交", fields: [{ name: "decision", label: "决定", options: [["approve", "批准"], ["return", "退回修改"], ["reject", "不批准"]] },
            { name: "reason", label: "意见", type: "textarea", maxlength: 500, hint: "退回、不批准的必须填写" }], send: (body) => api(`/v1/admission-schemes/${id}/decisions`, { method: "POST", body, ...versioned(one) }) });
          if (done) reload();
        }, { class: "primary" }))),
    one.decision_reason && h("div", { class: `finding ${one.state === "approved" ? "note" : "refuse"}` }, `审批意见：${one.decision_reason}`),
    one.evidence.length > 0 && h("div", { class: "card" }, h("h2", null, "附件"), paperList(one.evidence)),
    h("div", { class: "card" }, one.body ? one.body.split("\n").map((line) => h("p", null, line)) : empty("没有内容。")));
}
