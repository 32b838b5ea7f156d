// Quality of records by school, rounds of verification, orders to put right (clauses 3.4, 3.5, 48).
import { action, api, ask, badge, daysAgo, facts, fill, h, paged, query, showProblem, table, toast, when } from "./core.js";
import { school, schools } from "./choosing.js";
import { session } from "./session.js";
import { className } from "./words.js";

const STATES = { open: ["待整改", "warn"], answered: ["已答复", ""], returned: ["已退回", "bad"], closed: ["已办结", "good"] };
const ROUNDS = { checking: ["正在检查", ""], open: ["整改中", "warn"], closed: ["已结束", "good"] };
export const KINDS = {
  no_record: "不为已接收学生建立学籍档案", false_data: "以虚假信息建立学籍", change_not_filed: "不及时把变动信息纳入档案", not_transferred: "接收学生不办理转学手续",
  archive_not_passed: "不按规定转接学籍档案", data_leaked: "泄露或非法使用学籍信息", other: "其他违规行为", data_quality: "学籍信息核查发现的问题",
};
const ACTS = { raised: "提出", found_again: "再次发现", gone: "问题已消除", answered: "学校答复", returned: "退回", closed: "办结" };
const RULES = { missing: "缺项", inconsistent: "矛盾", stale: "久未更新", suspicious: "可疑" };
const isOfficer = () => session.has("authority_officer");
const shown = (names, state) => badge(...names[state]);
const bar = (value, of, kind) => h("progress", { class: `bar ${kind}`, max: of || 1, value, "aria-label": `${value}，共 ${of}` });
const scoreOf = (score) => (score === null ? "未检查" : [bar(score, 100, score >= 90 ? "good" : score >= 70 ? "warn" : "bad"), ` ${score}`]);

export async function inspectionPage(place, { id }) {
  const [kind, key] = id?.split(".") ?? [];
  if (kind === "round") return roundPage(place, key);
  if (kind === "finding") return findingPage(place, key);
  if (kind === "school") return schoolPage(place, key);
  const findings = h("div", { class: "card" });
  const quality = h("div", { class: "card" });
  const rounds = h("div", { class: "card" });
  const isAbove = session.has("authority_officer", "leader");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "核查与整改"), h("p", { class: "muted" }, "检查学籍信息是否真实、准确、完整；发现的问题由学校改正并答复。")),
    h("div", { class: "row" }, isOfficer() && action("开展核查", newRound, { class: "primary" }), isOfficer() && action("责令改正", order))),
  h("h2", null, "整改事项"), findings, isAbove && [h("h2", null, "核查"), rounds], h("h2", null, isAbove ? "各校学籍信息质量" : "本校学籍信息质量"), quality);
  await Promise.all([listFindings(findings), isAbove && listRounds(rounds), listSchools(quality)]);
  return undefined;
}

const listFindings = (place, filter = {}) => paged(place, (cursor) => api(`/v1/inspection-findings${query({ ...filter, cursor, limit: 50 })}`), (items) => table(
  ["事项", "学校", "情况", "期限", "状态"], items.map((f) => [h("a", { href: `#/inspection/finding.${f.id}` }, f.title), f.school_name, f.detail,
    h("span", { class: f.overdue ? "bad" : "" }, f.due_on, f.overdue && "（已逾期）"), shown(STATES, f.state)]), "整改事项"), "没有需要整改的事项。");

const listRounds = (place) => paged(place, (cursor) => api(`/v1/inspection-rounds${query({ cursor, limit: 20 })}`), (items) => table(
  ["核查", "部门", "已检查学校", "未办结", "期限", "状态"], items.map((r) => [h("a", { href: `#/inspection/round.${r.id}` }, r.title), r.authority_name,
    [bar(r.checked, r.schools, "good"), ` ${r.checked} / ${r.schools}`], r.findings.open + r.findings.answered + r.findings.returned, r.due_on, shown(ROUNDS, r.state)]), "核查"), "还没有开展过核查。");

const listSchools = (place) => paged(place, (cursor) => api(`/v1/quality/schools${query({ cursor, limit: 50 })}`), (items) => table(
  ["学校", "得分", "学籍", "其中无问题", "主要问题", "检查日期"], items.map((s) => [h("a", { href: `#/inspection/school.${s.school}` }, s.school_name), scoreOf(s.score), s.score === null ? "—" : s.records,
    s.score === null ? "—" : s.perfect, s.issues.slice(0, 2).map((one) => one.issue.title).join("、") || "—", s.checking ? "正在检查…" : s.checked_on ?? "—"]), "各校学籍信息质量"), "没有学校。");

async function newRound() {
  const made = await ask({ title: "开展学籍信息核查", confirm: "开始", text: "系统逐条检查所辖学校的全部学籍，列出每校的问题；学校在期限内改正并答复。", fields: [
    { name: "title", label: "名称", required: true, maxlength: 60, placeholder: "例如：2026年秋季学籍信息核查" },
    { name: "due_on", label: "整改期限", type: "date", required: true, min: daysAgo(-1), value: daysAgo(-14) },
    schools({ name: "schools", label: "只检查这些学校（不填则检查全部）", maxlength: 2000 })],
  send: ({ schools: chosen, ...body }) => api("/v1/inspection-rounds", { method: "POST", body: { ...body, schools: (chosen ?? "").split(/[\s,，、]+/).filter(Boolean) } }) });
  if (made) location.hash = `#/inspection/round.${made.id}`;
}

async function order() {
  const made = await ask({ title: "责令改正", confirm: "发出", text: "由学校改正并答复，全过程留痕。", fields: [
    school({ name: "school", label: "学校", required: true }),
    { name: "kind", label: "情形（第四十八条）", options: Object.entries(KINDS).filter(([kind]) => kind !== "data_quality") },
    { name: "detail", label: "违规情况（不要写学生姓名和号码）", type: "textarea", required: true, maxlength: 1000 },
    { name: "due_on", label: "改正期限", type: "date", required: true, min: daysAgo(-1), value: daysAgo(-14) }],
  send: (body) => api("/v1/inspection-findings", { method: "POST", body }) });
  if (made) location.hash = `#/inspection/finding.${made.id}`;
}

const back = h("a", { class: "button", href: "#/inspection" }, "返回");

async function roundPage(place, id) {
  const draw = (r) => {
    const list = h("div", { class: "card" });
    const left = r.findings.open + r.findings.answered + r.findings.returned;
    fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, r.title, " ", shown(ROUNDS, r.state)), h("p", { class: "muted" }, `${r.authority_name}，${r.opened_by}，${when(r.opened_at)}`)), back.cloneNode(true)),
      h("div", { class: "card" }, r.state === "checking" && h("p", { class: "progress" }, h("progress", { max: r.schools, value: r.checked }), `已检查 ${r.checked} / ${r.schools} 所学校`),
        facts([["学校", r.schools], ["学籍", r.records], ["整改期限", r.due_on], ["待整改", r.findings.open], ["已答复", r.findings.answered], ["已退回", r.findings.returned], ["已办结", r.findings.closed], ["说明", r.closing_note || "—"]]),
        isOfficer() && r.state === "open" && action("结束核查", async () => {
          const done = await ask({ title: `结束：${r.title}`, confirm: "结束", text: left ? `还有 ${left} 项没有办结，请写明说明；它们继续办理。` : "全部整改已办结。", fields: [{ name: "note", label: "说明", type: "textarea", required: left > 0, maxlength: 1000 }],
            send: (body) => api(`/v1/inspection-rounds/${id}/closure`, { method: "POST", body, headers: { "If-Match": `"${r.version}"` } }) });
          if (done) { toast("核查已结束。"); draw(done); }
        })), h("h2", null, "整改事项"), list);
    listFindings(list, { round: id }).catch(showProblem);
  };
  draw(await api(`/v1/inspection-rounds/${id}`));
}

async function findingPage(place, id) {
  const draw = (f) => {
    const post = (address, body) => api(address, { method: "POST", body, headers: { "If-Match": `"${f.version}"` } });
    const decide = (decision, text) => action(text, async () => {
      const done = await ask({ title: text, confirm: text, fields: [{ name: "reason", label: decision === "return" ? "退回原因（学校会看到）" : "意见", type: "textarea", required: decision === "return", maxlength: 1000 }], send: ({ reason }) => post(`/v1/inspection-findings/${id}/decisions`, { decision, reason: reason ?? "" }) });
      if (done) draw(done);
    }, { class: decision === "close" ? "primary" : "" });
    fill(place, h("div", { class: "head" }, h("h1", null, f.title, " ", shown(STATES, f.state)), back.cloneNode(true)),
      h("div", { class: "card" }, facts([["学校", f.school_name], ["情况", f.detail], ["依据", `第${f.clause}条`], ["怎样改正", f.cure], ["期限", `${f.due_on}${f.overdue ? "（已逾期）" : ""}`]]),
        h("div", { class: "row" }, f.kind === "data_quality" && h("a", { class: "button", href: `#/inspection/school.${f.school}` }, "逐人查看"),
          session.has("principal") && ["open", "returned"].includes(f.state) && action("答复整改情况", async () => {
            const done = await ask({ title: "答复整改情况", confirm: "提交", fields: [{ name: "answer", label: "做了什么、结果如何（不要写学生姓名和号码）", type: "textarea", required: true, maxlength: 1000 }], send: (body) => post(`/v1/inspection-findings/${id}/answers`, body) });
            if (done) draw(done);
          }, { class: "primary" }),
          isOfficer() && f.state === "answered" && [decide("close", "办结"), decide("return", "退回")])),
      h("h2", null, "经过"), h("ol", { class: "card journal" }, f.acts.map((a) => h("li", null, h("b", null, ACTS[a.act] ?? a.act), h("div", { class: "muted" }, `${a.account_name}，${when(a.at)}`), a.text && h("div", null, a.text)))));
  };
  draw(await api(`/v1/inspection-findings/${id}`));
}

async function schoolPage(place, code) {
  const { items: [s] } = await api(`/v1/quality/schools${query({ school: code })}`);
  const list = h("div", { class: "card" });
  const load = (issue) => paged(list, (cursor) => api(`/v1/quality/records${query({ school: code, issue, cursor, limit: 50 })}`), (items) => table(
    ["学生", "年级班", "完整度", "需要改正"], items.map((r) => [h("a", { href: `#/students/${r.student_id}` }, r.name), className(r.grade, r.class_no), scoreOf(r.score),
      r.issues.map((one) => h("div", null, badge(RULES[one.kind]), ` ${one.title}：${one.cure}`))]), "需要改正的学籍"), "没有需要改正的学籍。");
  const most = Math.max(1, ...s.issues.map((one) => one.records));
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, s.school_name), h("p", { class: "muted" }, s.checked_on ? `检查于 ${s.checked_on}` : "还没有检查过")), back.cloneNode(true)),
    h("div", { class: "card" }, facts([["得分", scoreOf(s.score)], ["学籍", s.records], ["其中无问题", s.perfect]]),
      s.issues.map((one) => h("div", { class: "row" }, h("a", { href: "#", onclick: (event) => { event.preventDefault(); if (!one.of_school) load(one.issue.code).catch(showProblem); } }, one.issue.title), badge(RULES[one.issue.kind]),
        !one.of_school && [bar(one.records, most, "warn"), ` ${one.records} 人`], h("span", { class: "clause" }, `第${one.issue.clause}条`))),
      !session.has("leader") && action(s.checking ? "正在检查…" : "重新检查", async () => {
        await api("/v1/quality/checks", { method: "POST", body: { school: code } });
        toast("已开始检查，稍后刷新查看结果。");
      }, { disabled: s.checking })), h("h2", null, "需要改正的学籍"), list);
  if (!session.has("leader")) await load();
}
