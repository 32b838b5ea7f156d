// Schools that are merged or closed, counties that are re-divided (clauses 21.3, 44): a plan, its preview as a picture, the
// approval, the progress, the report.
import { action, api, ask, badge, download, facts, fill, finding, h, paged, query, showProblem, svg, table, toast, today, when } from "./core.js";
import { anyOrganisation, authorities, authority, countyField, school, schools } from "./choosing.js";
import { session } from "./session.js";
import { className } from "./words.js";

const KINDS = { merger: "学校合并", closure: "学校撤销", redivision: "行政区划调整" };
export const OPERATION_STATES = {
  drafted: ["拟订中", ""], previewed: ["待核准", "warn"], approved: ["已核准，等待办理", ""], rejected: ["未予核准", "bad"], cancelled: ["已取消", ""],
  running: ["正在办理", "warn"], done: ["已办理完毕", "good"], failed: ["办理中断", "bad"], undoing: ["正在撤回", "warn"], undone: ["已撤回", ""],
};
const RUNNING = ["approved", "running", "undoing"];
const shown = (state) => badge(...OPERATION_STATES[state]);
const path = (r) => `/v1/reorganisations/${r.id}`;
const words = (text) => text.split(/[\s,，、；;]+/).filter(Boolean);

export async function reorganisationsPage(place, { id, signal }) {
  if (id) return onePage(place, id, signal);
  const list = h("div", { class: "card" });
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "学校撤并与区划调整"), h("p", { class: "muted" }, "先拟订方案并预览，由上级教育行政部门核准，再自动分批办理；学籍和档案一并移交，原代码作为历史保留。")),
    session.has("authority_officer") && h("div", { class: "row" }, action("学校合并", () => draft("merger"), { class: "primary" }), action("学校撤销", () => draft("closure")), action("区划调整", () => draft("redivision")))), list);
  return paged(list, (cursor) => api(`/v1/reorganisations${query({ cursor, limit: 50 })}`), (items) => table(
    ["事项", "类别", "办理单位", "生效日期", "人数", "状态"], items.map((r) => [h("a", { href: `#/reorganisations/${r.id}` }, r.title), KINDS[r.kind], r.organisation_name, r.effective_from,
      r.total ? `${r.moved} / ${r.total}` : "—", shown(r.state)]), "学校撤并与区划调整"), "没有撤并和区划调整事项。");
}

const FIELDS = {
  merger: () => [schools({ name: "ended", label: "被合并的学校（可以多所）", required: true, maxlength: 600 }), school({ name: "into", label: "并入的学校", required: true })],
  closure: () => [school({ name: "school", label: "撤销的学校", required: true }),
    anyOrganisation({ name: "keeper", label: "管理原学籍档案的单位（学校或教育行政部门）", required: true, hint: "已毕业、结业、注销学生的档案由这个单位管理" })],
  redivision: () => [schools({ name: "schools", label: "划转的学校", maxlength: 5000 }), countyField({ name: "from", label: "或者整县划出（县区）" }),
    countyField({ name: "to", label: "划入的县区" }), authorities({ name: "ended", label: "划出后撤销的教育行政部门", maxlength: 200 }),
    authority({ name: "renamed", label: "更名的教育行政部门" }), { name: "new_name", label: "新名称", maxlength: 100 }],
};

function planOf(kind, given) {
  if (kind === "merger") return { kind, ended: words(given.ended), into: given.into };
  if (kind === "closure") return { kind, school: given.school, keeper: given.keeper };
  return { kind, schools: words(given.schools).map((code) => ({ school: code, authority: given.to, division: given.to })),
    counties: given.from ? [{ from_county: given.from, to_county: given.to }] : [], ended: words(given.ended), renamed: given.renamed ? [{ code: given.renamed, name: given.new_name }] : [] };
}

async function draft(kind) {
  const made = await ask({ title: `拟订${KINDS[kind]}`, confirm: "保存并预览", wide: true, text: "预览不改变任何数据。", fields: [
    { name: "title", label: "事项", required: true, maxlength: 100 }, { name: "document", label: "依据文件（名称、文号）", required: true, maxlength: 200 },
    { name: "effective_from", label: "生效日期", type: "date", required: true, value: today(), hint: "可以是以后的日期，核准后到期自动办理" }, ...FIELDS[kind]()],
  send: async ({ title, document, effective_from, ...given }) => {
    const saved = await api("/v1/reorganisations", { method: "POST", body: { title, document, effective_from, plan: planOf(kind, given) } });
    await api(`${path(saved)}/preview`, { method: "POST" }).catch(showProblem);
    return saved;
  } });
  if (made) location.hash = `#/reorganisations/${made.id}`;
}

async function onePage(place, id, signal) {
  const load = async () => {
    const r = await api(`/v1/reorganisations/${id}`, { signal });
    draw(place, r, load);
    if (RUNNING.includes(r.state)) setTimeout(() => signal.aborted || load().catch((error) => signal.aborted || showProblem(error)), 1500);
  };
  return load();
}

function draw(place, r, load) {
  const against = [...(r.preview?.findings ?? []), ...r.findings].filter((f) => f.outcome !== "pass");
  fill(place,
    h("div", { class: "head" }, h("div", null, h("h1", null, r.title, " ", shown(r.state)), h("p", { class: "muted" }, `${KINDS[r.kind]}，${r.organisation_name}拟订，${r.approver_name}核准`)), h("a", { class: "button", href: "#/reorganisations" }, "返回列表")),
    h("div", { class: "card" },
      RUNNING.includes(r.state) && h("p", { class: "progress" }, h("progress", { max: r.total || 1, value: r.moved }), r.state === "approved" ? `将于${r.effective_from}起自动办理` : `已移交 ${r.moved} / ${r.total} 份学籍；办理期间这些学生的学籍不能变动`),
      facts([["依据文件", r.document], ["生效日期", r.effective_from], ["拟订", `${r.created_by}，${when(r.created_at)}`], ["在校生", r.preview?.in_school], ["其他学籍", r.preview?.ended],
        ["随学校转交的建籍申请", r.preview?.registrations || null], ["核准", r.decided_at && `${r.decided_by}，${when(r.decided_at)}`], ["意见", r.reason], ["完成", r.ended_at && when(r.ended_at)]]),
      acts(r, load)),
    against.length > 0 && [h("h2", null, r.state === "failed" ? "中断原因" : "需要处理"), h("div", null, against.map(finding))],
    r.preview && r.preview.classes.length > 0 && [h("h2", null, "去向"), h("figure", { class: "card figure" }, picture(r.preview.classes), h("figcaption", { class: "muted" }, "线的粗细为人数；红线为还没有安排去处。")), classes(r, load)],
    r.preview && r.preview.schools.length > 0 && [h("h2", null, "划转的学校"), h("div", { class: "card" }, table(["学校", "划入"], r.preview.schools.map((s) => [s.school, s.authority]), "划转的学校"))],
    r.report && report(r));
}

// Classes on the left, schools on the right; a line is as thick as the class is large.
function picture(moves) {
  const rows = moves.slice(0, 60);
  const gap = 24, width = 760, most = Math.max(...rows.map((m) => m.pupils), 1);
  const targets = [...new Set(rows.map((m) => m.to_school_name || "未安排"))];
  const height = gap * Math.max(rows.length, targets.length * 2) + gap;
  const at = (target) => ((targets.indexOf(target) + 0.5) * height) / targets.length;
  return svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "各班学生的去向" },
    rows.map((m, i) => {
      const y = gap * (i + 1), to = m.to_school_name || "未安排", thick = Math.max(2, (16 * m.pupils) / most);
      return [svg("path", { class: m.to_school ? "flow" : "flow open", d: `M250 ${y} C 380 ${y}, 380 ${at(to)}, 500 ${at(to)}`, "stroke-width": thick }),
        svg("text", { x: 245, y: y + 4, "text-anchor": "end" }, `${m.school_name.slice(-12)} ${m.class_no ? className(m.grade, m.class_no) : className(m.grade)} ${m.pupils}人`)];
    }),
    targets.map((name) => svg("text", { x: 508, y: at(name) + 4 }, name.slice(0, 20))));
}

function classes(r, load) {
  const editing = r.kind === "closure" && ["drafted", "previewed"].includes(r.state) && session.has("authority_officer");
  const inputs = new Map();
  const cell = (m) => {
    if (!editing || !m.class_id) return [m.to_school_name || "未安排", m.to_class_no ? ` ${m.to_class_no}班` : "", m.number_changed ? h("span", { class: "muted" }, "（班号已有，另编新号）") : ""];
    const { control: input, after } = school({ value: m.to_school ?? "", props: { "aria-label": `${className(m.grade, m.class_no)}的接收学校`, placeholder: "接收学校" } });
    inputs.set(m.class_id, input);
    return [input, after];
  };
  const list = table(["学校", "班级", "人数", "去向"], r.preview.classes.map((m) => [m.school_name, m.class_no ? className(m.grade, m.class_no) : "未分班", m.pupils, cell(m)]), "各班去向");
  const save = action("保存去向并重新预览", async () => {
    const goals = [...inputs].filter(([, input]) => input.value).map(([class_id, input]) => ({ class_id, to_school: input.value.trim() }));
    const saved = await api(path(r), { method: "PATCH", headers: { "If-Match": `"${r.version}"` }, body: { title: r.title, document: r.document, effective_from: r.effective_from, plan: { ...r.plan, classes: goals } } });
    await api(`${path(saved)}/preview`, { method: "POST" });
    await load();
  }, { class: "primary" });
  return h("div", { class: "card" }, list, editing && h("div", { class: "row end" }, save));
}

function report(r) {
  const { before, after, ...sums } = r.report;
  const name = (c) => (c.class_no ? className(c.grade, c.class_no) : c.live ? "未分班" : "已毕业、结业、注销");
  const rows = (counts) => counts.map((c) => [c.school_name, name(c), c.records]);
  return [h("h2", null, "结果核对"), h("div", { class: "card" }, h("p", null, sums.whole ? badge("一致", "good") : badge("不一致", "bad"), ` 应移交 ${sums.records_before} 份，到位 ${sums.records_after} 份，遗留 ${sums.left_behind} 份，原学校留存副本 ${sums.copies} 份`),
    action("下载办理报告", () => download(`${path(r)}/report`))),
  h("h2", null, "办理前"), h("div", { class: "card" }, table(["学校", "班级", "人数"], rows(before), "办理前")), h("h2", null, "办理后"), h("div", { class: "card" }, table(["学校", "班级", "人数"], rows(after), "办理后"))];
}

function acts(r, load) {
  const { organisation } = session.get().account;
  const mine = session.has("authority_officer") && organisation === r.organisation;
  const leads = session.has("leader") && organisation === r.approver;
  const blocked = r.preview?.findings.some((f) => f.outcome === "refuse");
  const principle = r.preview?.findings.some((f) => f.outcome === "needs_override");
  const post = (what, body) => api(`${path(r)}/${what}`, { method: "POST", body, headers: { "If-Match": `"${r.version}"` } });
  const because = (label, what, text, extra = {}) => action(label, async () => {
    const done = await ask({ title: `${label}：${r.title}`, confirm: label, text, danger: true, fields: [{ name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }], send: ({ reason }) => post(what, { ...extra, reason }) });
    if (done) await load();
  }, { class: "danger quiet" });
  const plainly = (label, what, props) => action(label, async () => { await post(what); await load(); }, props);
  return h("div", { class: "row" },
    mine && ["drafted", "previewed"].includes(r.state) && plainly("重新预览", "preview"),
    mine && ["drafted", "previewed", "approved"].includes(r.state) && because("取消", "cancellation", "取消后不能恢复，需要时重新拟订。"),
    mine && r.state === "failed" && plainly("继续办理", "resumption", { class: "primary" }),
    leads && r.state === "previewed" && !blocked && action("核准", async () => {
      const done = await ask({ title: `核准：${r.title}`, confirm: "核准", text: `涉及 ${r.preview.in_school} 名在校生、${r.preview.ended} 份其他学籍，核准后自动办理。`,
        fields: [{ name: "reason", label: principle ? "突破“原则上”规定的理由" : "意见", type: "textarea", required: principle, maxlength: 500 }], send: ({ reason }) => post("decisions", { decision: "approve", reason }) });
      if (done) { toast("已核准。"); await load(); }
    }, { class: "primary" }),
    leads && r.state === "previewed" && because("不予核准", "decisions", "退回拟订单位。", { decision: "reject" }),
    leads && r.state === "done" && because("整体撤回", "undo", "全部学籍退回原学校；之后已有学籍变动的，不能撤回。"));
}
