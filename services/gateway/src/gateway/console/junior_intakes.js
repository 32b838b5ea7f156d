// Junior intake (clause 16): the county's list of primary graduates by junior school, checked, approved, carried out.
import { action, api, ask, badge, download, facts, fill, finding, h, newKey, paged, query, showProblem, table, toast, upload, when } from "./core.js";
import { OPERATION_STATES } from "./reorganisations.js";
import { session } from "./session.js";

const OUTCOMES = { taken: ["升入", "good"], unplaced: ["没有安排", "warn"], refused: ["不符合要求", "bad"] };
const RUNNING = ["approved", "running", "undoing"];
const shown = (state) => badge(...OPERATION_STATES[state]);
const path = (i) => `/v1/junior-intakes/${i.id}`;

export async function juniorIntakesPage(place, { id, signal }) {
  if (id) return onePage(place, id, signal);
  const list = h("div", { class: "card" });
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "小升初"), h("p", { class: "muted" }, "下载已填好毕业生的模板，选择目标初中后上传检查；分管局长核准后，学籍自动转入初中，小学留存当日副本。")),
    session.has("authority_officer") && h("div", { class: "row" }, action("下载模板", () => download("/v1/junior-intakes/template")), chooser(), action("按对口生成", byRule))), list);
  return paged(list, (cursor) => api(`/v1/junior-intakes${query({ cursor, limit: 50 })}`), (items) => table(
    ["名单", "部门", "升入", "没有安排", "不符合要求", "状态"], items.map((i) => [h("a", { href: `#/junior-intakes/${i.id}` }, i.title), i.county_name, i.check.taken, i.check.unplaced, i.check.refused, shown(i.state)]), "初中招生名单"), "还没有招生名单。");
}

function chooser() {
  const input = h("input", { type: "file", accept: ".xlsx,.xls", class: "sr", id: "intake", onchange: async () => {
    const [file] = input.files;
    if (!file) return;
    try {
      const made = await upload("/v1/junior-intakes", file, newKey(), () => {});
      toast("已检查，没有办理。");
      location.hash = `#/junior-intakes/${made.id}`;
    } catch (error) { showProblem(error); } finally { input.value = ""; }
  } });
  return h("span", null, input, h("label", { for: "intake", class: "button primary" }, "上传名单"));
}

// Each primary school of the authority with the junior school that its graduates go to.
async function byRule() {
  const all = [];
  for (let cursor = null; ;) {
    const page = await api(`/v1/organisations${query({ parent: session.get().account.organisation, kind: "school", cursor, limit: 200 })}`);
    all.push(...page.items);
    if (!(cursor = page.next_cursor)) break;
  }
  const juniors = all.filter((one) => one.stages.includes("junior")).map((one) => [one.code, one.name]);
  const primaries = all.filter((one) => one.stages.includes("primary"));
  if (!juniors.length || !primaries.length) { toast("本级没有可以对口的小学和初中。", "bad"); return; }
  const made = await ask({ title: "按对口关系生成名单", confirm: "生成并检查", wide: true, text: "为每所小学选择对口初中。没有选择的小学，其毕业生列为“没有安排”。",
    fields: primaries.map((one) => ({ name: one.code, label: one.name, value: one.stages.includes("junior") ? one.code : "", options: [["", "（没有安排）"], ...juniors] })),
    send: (values) => api("/v1/junior-intakes/rules", { method: "POST", body: { pairs: Object.entries(values).filter(([, junior]) => junior).map(([primary, junior]) => ({ primary, junior })) } }) });
  if (made) location.hash = `#/junior-intakes/${made.id}`;
}

async function onePage(place, id, signal) {
  const rows = h("div", { class: "card" });
  const wanted = h("select", { "aria-label": "结果", onchange: () => list().catch(showProblem) }, [["", "全部"], ...Object.entries(OUTCOMES).map(([key, [name]]) => [key, name])].map(([code, text]) => h("option", { value: code }, text)));
  const list = () => paged(rows, (cursor) => api(`/v1/junior-intakes/${id}/rows${query({ outcome: wanted.value, cursor, limit: 100 })}`), (items) => table(
    ["行", "学生", "学籍号", "毕业小学", "初中", "结果"], items.map((r) => [r.row, r.name, r.student_number, r.from_school_name, r.to_school_name || "—", [badge(...OUTCOMES[r.outcome]), r.findings.map(finding)]]), "名单"), "没有这样的行。");
  const top = h("div");
  const load = async () => {
    const i = await api(`/v1/junior-intakes/${id}`, { signal });
    draw(top, i, load);
    if (RUNNING.includes(i.state)) setTimeout(() => signal.aborted || load().catch((error) => signal.aborted || showProblem(error)), 1500);
  };
  fill(place, top, h("div", { class: "head" }, h("h2", null, "名单"), wanted), rows);
  await Promise.all([load(), list()]);
}

function draw(place, i, load) {
  const seats = (t) => (t.places === null ? "没有招生计划" : [h("progress", { class: `bar ${t.pupils > t.free ? "bad" : "good"}`, max: t.places || 1, value: t.places - t.free + t.pupils, "aria-label": `${t.pupils} 人` }), ` 计划 ${t.places}，尚余 ${t.free}`]);
  fill(place,
    h("div", { class: "head" }, h("div", null, h("h1", null, i.title, " ", shown(i.state)), h("p", { class: "muted" }, `${i.county_name}，${i.created_by}，${when(i.created_at)}`)), h("a", { class: "button", href: "#/junior-intakes" }, "返回列表")),
    h("div", { class: "card" },
      RUNNING.includes(i.state) && h("p", { class: "progress" }, h("progress", { max: i.total || 1, value: i.moved }), `已转接 ${i.moved} / ${i.total || i.check.taken} 份学籍`),
      facts([["升入初中", i.check.taken], ["没有安排", i.check.unplaced], ["不符合要求", i.check.refused], ["核准", i.decided_at && `${i.decided_by}，${when(i.decided_at)}`], ["意见", i.reason], ["完成", i.ended_at && when(i.ended_at)]]), acts(i, load)),
    [...i.check.findings, ...i.findings].filter((f) => f.outcome !== "pass").map(finding),
    i.check.targets.length > 0 && [h("h2", null, "各初中"), h("div", { class: "card" }, table(["初中", "本名单", "学位"], i.check.targets.map((t) => [t.school_name, t.pupils, seats(t)]), "各初中"))]);
}

function acts(i, load) {
  const own = session.get().account.organisation === i.county;
  const mine = own && session.has("authority_officer");
  const leads = own && session.has("leader");
  const fine = !i.check.refused && i.check.taken > 0 && !i.check.findings.some((f) => f.outcome === "refuse");
  const post = (what, body) => api(`${path(i)}/${what}`, { method: "POST", body, headers: { "If-Match": `"${i.version}"` } });
  const because = (label, what, text, extra = {}) => action(label, async () => {
    const done = await ask({ title: `${label}：${i.title}`, confirm: label, text, danger: true, fields: [{ name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }], send: ({ reason }) => post(what, { ...extra, reason }) });
    if (done) await load();
  }, { class: "danger quiet" });
  return h("div", { class: "row" },
    leads && i.state === "previewed" && fine && action("核准", async () => {
      const done = await ask({ title: `核准：${i.title}`, confirm: "核准", text: `${i.check.taken} 名小学毕业生升入 ${i.check.targets.length} 所初中，核准后学籍自动转接。`, fields: [{ name: "reason", label: "意见", type: "textarea", maxlength: 500 }], send: ({ reason }) => post("decisions", { decision: "approve", reason }) });
      if (done) { toast("已核准。"); await load(); }
    }, { class: "primary" }),
    leads && i.state === "previewed" && because("不予核准", "decisions", "名单退回拟订人。", { decision: "reject" }),
    mine && ["previewed", "approved", "failed"].includes(i.state) && because("取消", "cancellation", "取消后可以重新上传。"),
    mine && i.state === "failed" && action("继续办理", async () => { await post("resumption"); await load(); }, { class: "primary" }),
    leads && i.state === "done" && because("整体撤回", "undo", "全部学籍退回小学；之后已有学籍变动的，不能撤回。"));
}
