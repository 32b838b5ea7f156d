// Exports of student data (clause 45.2): asked for with a purpose, approved in writing, fetched once.
import { action, api, ask, badge, daysAgo, download, events, facts, fill, finding, h, newKey, paged, query, refuseFor, showProblem, table, toast, today, upload, when } from "./core.js";
import { anyOrganisation } from "./choosing.js";
import { session } from "./session.js";
import { className, DECISIONS, EXPORT_STATES, SENSITIVITIES } from "./words.js";

const KINDS = { waiting: "warn", returned: "warn", rejected: "bad", cancelled: "", making: "", ready: "good", downloaded: "good", expired: "bad", failed: "bad" };
const asks = () => session.has("registrar", "principal", "authority_officer");
const keys = new Map(); // a download that broke off is repeated with its key: it counts once
const stateOf = (x) => badge(x.state_title, KINDS[x.state]);
let catalogue;
const fieldsOf = () => (catalogue ??= api("/v1/exports/fields").then(({ items }) => items, (error) => { catalogue = undefined; throw error; }));

export async function exportsPage(place, { id, signal }) {
  if (id) return exportPage(place, id, signal);
  const list = h("div", { class: "card" });
  const load = () => paged(list, (cursor) => api(`/v1/exports${query({ state: state.value, cursor, limit: 50 })}`), (items) => table(
    ["编号", "申请", "用途", "人数", "接收方", "状态"], items.map((x) => [
      h("a", { href: `#/exports/${x.id}` }, x.number), h("div", null, x.organisation_name, h("div", { class: "muted" }, when(x.requested_at))),
      x.request.purpose, x.rows, x.request.recipient.name, stateOf(x),
    ]), "导出申请"), "没有导出申请。");
  const state = h("select", { "aria-label": "状态", onchange: () => load().catch(showProblem) }, [["", "全部状态"], ...Object.entries(EXPORT_STATES)].map(([code, text]) => h("option", { value: code }, text)));
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "导出"), h("p", { class: "muted" }, "学生信息须经主管教育行政部门书面核准后才能导出，文件只能下载一次。")),
    h("div", { class: "row" }, state, asks() && action("申请导出", async () => { await request(); }, { class: "primary" }))), list);
  return load();
}

async function request(before) {
  const items = await fieldsOf();
  const old = before?.request;
  const looked = await ask({ title: before ? `补正：${before.number}` : "申请导出", confirm: "检查", wide: true, fields: [
    anyOrganisation({ name: "organisation", label: "导出哪里的学生（学校或教育行政部门）", required: true, value: old?.selection.organisation ?? session.get().account.organisation }),
    { name: "grade", label: "年级", value: String(old?.selection.grade ?? ""), options: [["", "全部"], ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [String(n), className(n)])] },
    { name: "class_no", label: "班号", type: "number", min: 1, max: 99, value: old?.selection.class_no ?? "", placeholder: "全部" },
    { name: "kind", label: "接收方", value: old?.recipient.kind ?? "inside", options: [["inside", "系统内单位（从列表中选择）"], ["outside", "系统外单位（填全称）"]] },
    anyOrganisation({ name: "recipient", label: "接收方", required: true, free: true, value: (old?.recipient.kind === "outside" ? old.recipient.name : old?.recipient.code) ?? "" }),
    { name: "expires_on", label: "最晚下载日期", type: "date", required: true, min: today(), value: old?.expires_on ?? daysAgo(-7) },
    { name: "purpose", label: "用途", type: "textarea", required: true, minlength: 4, maxlength: 200, value: old?.purpose ?? "", hint: "一句话，4 至 200 字；不要写号码" },
    { name: "fields", label: "项目", type: "checks", value: old?.fields ?? [], options: items.map((one) => [one.key, `${one.title}${one.sensitivity === "ordinary" ? "" : `（${SENSITIVITIES[one.sensitivity]}）`}`]) }],
    send: async ({ organisation, grade, class_no, kind, recipient, ...rest }) => {
      const body = { ...rest, recipient: kind === "inside" ? { kind, code: recipient } : { kind, name: recipient },
        selection: { organisation, grade: grade ? Number(grade) : null, class_no: class_no ? Number(class_no) : null } };
      const { decision, rows } = await api("/v1/exports/prechecks", { method: "POST", body });
      refuseFor(decision.findings.filter((f) => f.outcome === "refuse"));
      return { body, decision, rows };
    } });
  if (!looked) return;
  const { body, decision, rows } = looked;
  const sure = await ask({ title: `申请导出 ${rows} 名学生`, confirm: "提交申请", text: "提交后由主管教育行政部门审核。", body: decision.findings.filter((f) => f.outcome !== "pass").map(finding) });
  if (!sure) return;
  const made = await api(before ? `/v1/exports/${before.id}/resubmission` : "/v1/exports", { method: "POST", body });
  toast(`已提交，编号 ${made.number}。`);
  if (before) dispatchEvent(new Event("hashchange"));
  else location.hash = `#/exports/${made.id}`;
}

async function exportPage(place, id, signal) {
  const items = await fieldsOf();
  const draw = (x) => fill(place,
    h("div", { class: "head" }, h("div", null, h("h1", null, x.number, " ", stateOf(x)), h("p", { class: "muted" }, x.organisation_name)), h("a", { class: "button", href: "#/exports" }, "返回列表")),
    x.problem && h("div", { class: "finding refuse" }, x.problem),
    x.state === "making" && h("div", { class: "card progress" }, h("progress", { max: x.progress?.total || 1, value: x.progress?.done ?? 0 }), `正在生成文件：${x.progress?.done ?? 0} / ${x.progress?.total ?? x.rows}`),
    h("div", { class: "card" }, facts([["用途", x.request.purpose], ["范围", [x.request.selection.organisation, className(x.request.selection.grade, x.request.selection.class_no)].filter((t) => t !== "—").join("，")],
      ["人数", x.rows], ["接收方", `${x.request.recipient.name || x.request.recipient.code}${x.request.recipient.kind === "outside" ? "（系统外）" : ""}`], ["最晚下载日期", x.request.expires_on],
      ["申请", `${x.requested_by}，${when(x.requested_at)}`], ["核准部门", x.authority_name], ["办理期限", x.due_on], ["下载", x.downloaded_at && when(x.downloaded_at)], ["文件校验值（SHA-256）", x.sha256 && h("code", { class: "id" }, x.sha256)],
      ["项目", items.filter((one) => x.request.fields.includes(one.key)).map((one) => one.title).join("、")]]),
    x.sensitive && h("p", { class: "finding note" }, "含敏感个人信息。"), acts(x, reload)),
    x.steps.length > 0 && [h("h2", null, "经过"), h("ol", { class: "card journal" }, x.steps.map((s) => h("li", null, h("b", null, STEPS[s.decision] ?? s.decision),
      h("div", { class: "muted" }, `${s.account_name}，${when(s.decided_at)}`), s.reason && h("div", null, s.reason))))]);
  const reload = async () => draw(await api(`/v1/exports/${id}`));
  await reload();
  (async () => { for await (const x of events(`/v1/exports/${id}/events`, signal)) draw(x); })().catch((error) => signal.aborted || showProblem(error));
}

const STEPS = { ...DECISIONS, approve: "核准", return: "退回补正", reject: "不予核准", resubmit: "补正后重新提交", withdraw: "撤销" };

function acts(x, reload) {
  const { name, organisation } = session.get().account;
  const mine = x.requested_by === name && x.organisation === organisation;
  const post = (what, body, headers) => api(`/v1/exports/${x.id}/${what}`, { method: "POST", body, headers });
  const decide = (act, danger) => action(STEPS[act], async () => {
    const done = await ask({ title: `${STEPS[act]}：${x.number}`, confirm: STEPS[act], danger, text: `${x.organisation_name} 申请导出 ${x.rows} 名学生`,
      fields: [{ name: "reason", label: act === "approve" ? "意见" : "原因（申请人会看到）", type: "textarea", required: act !== "approve", maxlength: 500 }],
      send: ({ reason }) => post("decisions", { decision: act, reason }, { "If-Match": `"${x.version}"` }) });
    if (!done) return;
    await reload();
  }, { class: act === "approve" ? "primary" : danger ? "danger quiet" : "" });
  const document_ = session.has("authority_officer", "leader") && x.state === "waiting" && attach(x, reload);
  return h("div", { class: "row" },
    x.approval_document && action(`书面核准文件：${x.approval_document.name}`, () => download(`/v1/exports/${x.id}/approval-document`)), document_,
    session.has("leader") && x.state === "waiting" && ["approve", "return", "reject"].map((act) => decide(act, act === "reject")),
    mine && x.state === "returned" && action("补正", () => request(x), { class: "primary" }),
    mine && ["waiting", "returned"].includes(x.state) && action("撤销", async () => {
      const given = await ask({ title: `撤销：${x.number}`, confirm: "撤销", danger: true, fields: [{ name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }] });
      if (given) { await post("cancellation", given); await reload(); }
    }, { class: "danger quiet" }),
    mine && (x.state === "ready" || keys.has(x.id)) && action(keys.has(x.id) ? "再取一次（15 分钟内）" : "下载（只能一次）", async () => {
      if (!keys.has(x.id)) keys.set(x.id, newKey());
      await download(`/v1/exports/${x.id}/download`, { method: "POST", headers: { "Idempotency-Key": keys.get(x.id) } });
      await reload();
    }, { class: "primary" }));
}

function attach(x, reload) {
  const input = h("input", { type: "file", accept: ".pdf,.jpg,.jpeg,.png", class: "sr", id: "approval", onchange: async () => {
    const [file] = input.files;
    if (!file) return;
    try {
      await upload(`/v1/exports/${x.id}/approval-document`, file, newKey(), () => {});
      toast("书面核准文件已上传。");
      await reload();
    } catch (error) { showProblem(error); } finally { input.value = ""; }
  } });
  return h("span", null, input, h("label", { for: "approval", class: "button" }, x.approval_document ? "更换书面核准文件" : "上传书面核准文件（PDF、图片）"));
}
