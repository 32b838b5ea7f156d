// Private schools' places for transfers (24.5.3, 24.5.4): the ratio of the year, the list of a grade, the draw and what comes of it.
import { action, api, ask, badge, empty, facts, fill, h, paged, query, showProblem, table, toast, today, when } from "./core.js";
import { drawPicture } from "./lottery_picture.js";
import { session } from "./session.js";
import { className } from "./words.js";

const RATIOS = { proposed: "warn", approved: "good", rejected: "bad" };
const ROUNDS = { open: "warn", closed: "", decided: "", settled: "good" };
const OUTCOMES = { waiting: "", won: "good", lost: "warn", left: "" };
const STAGES = { primary: "小学", junior: "初中" };
const officer = () => session.has("authority_officer");
const principal = () => session.has("principal");
const above = () => session.has("authority_officer", "leader");
const yearNow = () => Number(today().slice(0, 4)) - (Number(today().slice(5, 7)) >= 8 ? 0 : 1);
const post = (path, body, headers) => api(path, { method: "POST", body, headers });
const own = () => session.get().account.organisation;
const bar = (value, of, kind, text) => h("progress", { class: `bar ${kind}`, max: of || 1, value, "aria-label": text });

export async function privatePlacesPage(place, { id }) {
  if (id) return roundPage(place, id);
  const [places, ratios, rounds] = [0, 1, 2].map(() => h("div", { class: "card" }));
  const load = async () => { await Promise.all([listRatios(ratios, load), listRounds(rounds), showPlaces(places, above() ? "" : own(), load)]); };
  fill(place,
    h("div", { class: "head" }, h("div", null, h("h1", null, "民办学校可转入学位"), h("p", { class: "muted" }, "空余学位是标准校额、班额以内招生计划与在校生的差额；可转入比例不超过 1/（学制数×2－3）。申请多于可转入学位的，由主管部门随机录取，任何人都可以重新计算核对。")),
      h("div", { class: "row" }, principal() && action("申报可转入比例", () => propose(load), { class: "primary" }), officer() && action("开始转入报名", () => openRound(), { class: "primary" }))),
    h("h2", null, "学位"), places, h("h2", null, "可转入比例"), ratios, h("h2", null, "转入报名批次"), rounds);
  await load();
  return undefined;
}

// ---- places and ratios ----------------------------------------------------------------------------------------------------

async function showPlaces(place, school, load) {
  const code = h("input", { "aria-label": "学校标识码", placeholder: "民办学校的学校标识码", maxlength: 10, pattern: "\\d{10}", value: school });
  const found = h("div", null);
  const look = async () => {
    const one = await api(`/v1/private-places/${code.value.trim()}`);
    fill(found, one.because && h("p", { class: "finding note" }, one.because), one.grades.length > 0 && [
      h("p", { class: "muted" }, `${one.school_name}，${one.school_year} 学年`),
      table(["年级", "招生计划", "在校生", "转入办理中", "空余学位", "本学年已转入", "比例", "可转入学位", "报名"], one.grades.map((g) => [
        className(g.grade), g.plan ?? "无计划", g.pupils, g.held || "", g.plan === null ? 0 : [bar(g.free, g.plan, g.free ? "good" : "bad", `空余 ${g.free} 个`), ` ${g.free}`], g.taken || "", g.ratio ?? "未批准",
        g.transferable ? badge(`${g.transferable} 个`, "good") : badge("0", ""), g.round_id ? h("a", { href: `#/private-places/${g.round_id}` }, g.round) : officer() && g.transferable > 0 && action("开始报名", () => openRound(one.school, g.grade), { class: "quiet" })]), "各年级学位")]);
  };
  fill(place, above() && h("form", { class: "filters", onsubmit: (event) => { event.preventDefault(); look().catch(showProblem); } }, code, h("button", { class: "primary" }, "查看")), found);
  if (school) await look().catch((error) => fill(found, empty(error.message)));
  else fill(found, empty("输入一所民办学校的标识码，查看各年级的空余学位和可转入学位。"));
}

const listRatios = (place, load) => paged(place, (cursor) => api(`/v1/transfer-ratios${query({ cursor, limit: 20 })}`), (items) => table(["学校", "学年", "学段", "比例", "上限", "状态", "申报", "审批", ""], items.map((r) => [
  r.school_name, `${r.school_year} 学年`, STAGES[r.stage], r.ratio, r.most, [badge(r.state_title, RATIOS[r.state]), r.in_force && badge("执行中", "good")],
  h("div", null, `${r.proposed_by}，${when(r.proposed_at)}`, r.reason && h("div", { class: "muted" }, r.reason)),
  r.decided_at && h("div", null, `${r.decided_by}，${when(r.decided_at)}`, r.decision_reason && h("div", { class: "muted" }, r.decision_reason)),
  r.state === "proposed" && officer() && action("审批", () => decide(r, load), { class: "primary" })]), "可转入比例"), "还没有申报可转入比例。没有批准的比例，不能接收转入。");

async function propose(load) {
  const years = [yearNow(), yearNow() + 1].map((year) => [String(year), `${year} 学年`]);
  const done = await ask({ title: "申报可转入比例", text: "每个学段每学年一项，经主管教育行政部门批准后执行；以后可以再次申报，历次申报都保留。", confirm: "报主管部门", fields: [
    { name: "school_year", label: "学年", options: years }, { name: "stage", label: "学段", options: Object.entries(STAGES) },
    { name: "ratio", label: "比例（分数）", required: true, pattern: "[1-9][0-9]{0,5}/[1-9][0-9]{0,5}", placeholder: "1/9", hint: "六年制小学不超过 1/9，五年制小学 1/7，四年制初中 1/5，三年制初中 1/3" },
    { name: "reason", label: "说明", maxlength: 500 }],
  send: (v) => post("/v1/transfer-ratios", { school_year: Number(v.school_year), stage: v.stage, ratio: v.ratio.trim(), reason: v.reason }) });
  if (!done) return;
  toast("已报主管教育行政部门审批。");
  await load();
}

async function decide(r, load) {
  const done = await ask({ title: `${r.school_name}：${r.school_year} 学年${STAGES[r.stage]} ${r.ratio}`, text: `上限 ${r.most}。${r.reason}`, confirm: "提交", fields: [
    { name: "decision", label: "决定", options: [["approve", "批准"], ["reject", "不批准"]] }, { name: "reason", label: "意见（不批准的必须填写）", type: "textarea", maxlength: 500 }],
  send: (v) => post(`/v1/transfer-ratios/${r.id}/decisions`, v, { "If-Match": `"${r.version}"` }) });
  if (!done) return;
  toast("已办理。");
  await load();
}

// ---- rounds ----------------------------------------------------------------------------------------------------------------

const listRounds = (place) => paged(place, (cursor) => api(`/v1/transfer-rounds${query({ cursor, limit: 20 })}`), (items) => table(["批次", "学校", "年级", "报名截止", "申请", "学位", "状态"], items.map((r) => [
  h("a", { href: `#/private-places/${r.id}` }, r.number), r.school_name, className(r.grade), r.closes_on, r.applicants, r.places ?? "", badge(r.state_title, ROUNDS[r.state])]), "转入报名批次"), "还没有转入报名批次。");

async function openRound(school = "", grade = 1) {
  const done = await ask({ title: "开始转入报名", confirm: "公布并开始", text: "公布以后不能更改。系统同时公布随机种子的承诺；抽签还要用一个现在谁也不知道的公开数值。截止以后名单自动封存；申请不多于学位的，全部录取，不抽签。", fields: [
    { name: "school", label: "民办学校标识码", required: true, pattern: "\\d{10}", maxlength: 10, value: school },
    { name: "grade", label: "年级", options: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, className(n)]), value: grade },
    { name: "closes_on", label: "报名截止日（含当天）", type: "date", required: true },
    { name: "public_source", label: "公开数值来源", required: true, minlength: 4, maxlength: 100, hint: "例如：中国福利彩票双色球 2026101 期开奖号码" },
    { name: "public_at", label: "公布时间（截止一天以后）", type: "datetime-local", required: true }],
  send: (v) => post("/v1/transfer-rounds", { school: v.school, grade: Number(v.grade), closes_on: v.closes_on, public_source: v.public_source, public_at: `${v.public_at}:00+08:00` }) });
  if (done) location.hash = `#/private-places/${done.id}`;
}

async function everybody(id) {
  if (!session.has("registrar", "principal", "authority_officer")) return [];
  const found = [];
  for (let cursor = null; ;) {
    const page = await api(`/v1/transfer-rounds/${id}/applicants${query({ cursor, limit: 200 })}`);
    found.push(...page.items);
    if (!(cursor = page.next_cursor)) return found;
  }
}

// Where a round stands: five steps, those done in colour.
const STEPS = [["公布", () => true], ["报名截止", (r) => r.closed_at], ["抽签", (r) => r.winners || r.state === "settled" || r.lottery === false], ["逐一办理", (r) => r.settled > 0 || r.state === "settled"], ["办结", (r) => r.state === "settled"]];
const steps = (r) => h("p", { class: "row", "aria-label": "进度" }, STEPS.map(([name, done]) => badge(r.lottery === false && name === "抽签" ? "不需要抽签" : name, done(r) ? "good" : "")));

async function roundPage(place, id) {
  const [r, people] = await Promise.all([api(`/v1/transfer-rounds/${id}`), everybody(id)]);
  const file = r.list_sha256 ? await api(`/v1/transfer-rounds/published/${r.number}`) : null;
  const again = () => roundPage(place, id);
  const moment = new Date(r.public_at) <= new Date(`${today()}T23:59:59+08:00`);
  fill(place,
    h("div", { class: "head" }, h("div", null, h("h1", null, `${r.school_name}${className(r.grade)}转入报名`), h("p", { class: "muted" }, `${r.number}　${r.school_year} 学年第 ${r.term} 学期`)),
      h("div", { class: "row" }, badge(r.state_title, ROUNDS[r.state]), h("a", { class: "button", href: "#/private-places" }, "返回"))),
    h("div", { class: "card" }, steps(r), r.state === "decided" && bar(r.settled, r.applicants, "good", `已办理 ${r.settled}／${r.applicants}`),
      facts([["报名截止", r.closes_on], ["申请人数", r.applicants], ["空余学位", r.free], ["本学年已转入", r.taken], ["可转入比例", r.ratio], ["可转入学位", r.places], ["截止后撤回", r.left || ""], ["录取", r.winners || ""],
        ["已办理", r.state === "decided" ? `${r.settled}／${r.applicants}` : ""], ["公开数值来源", r.public_source], ["公布时间", when(r.public_at)], ["公开数值", r.public_value], ["抽签", r.drawn_at && `${r.drawn_by}，${when(r.drawn_at)}`],
        ["名单哈希", r.list_sha256 && h("code", null, r.list_sha256.slice(0, 16), "…")], ["种子承诺", h("code", null, r.commitment.slice(0, 16), "…")]]),
      h("div", { class: "row" }, r.state === "closed" && officer() && action("随机录取", () => draw(r, again), { class: "primary", disabled: !moment }), r.state === "closed" && !moment && h("span", { class: "muted" }, "公开数值公布以后才能抽签"),
        r.state === "decided" && action("刷新进度", again), h("a", { class: "button", href: `/console/choujiang.html#${r.number}`, target: "_blank" }, "公开核对页"))),
    file?.listing?.applicants.length > 0 && [h("h2", null, file.order.length ? "抽签次序" : "名单"), h("div", { class: "card" }, drawPicture(file))],
    people.length > 0 && [h("h2", null, "报名名单"), h("p", { class: "muted" }, "编码告知监护人本人：凭编码在公开核对页找到自己的孩子。公布的文件中没有姓名。"),
      h("div", { class: "card" }, table(["编码", "学生", "转学编号", "报名时间", "次序", "结果", "办理"], people.map((p) => [h("code", null, p.code), p.name, p.transfer_number, when(p.entered_at), p.rank ?? "", badge(p.outcome_title, OUTCOMES[p.outcome]),
        p.problem ? h("span", { class: "error" }, p.problem) : p.settled ? "已办理" : ""]), "报名名单"))]);
  return undefined;
}

async function draw(r, again) {
  const done = await ask({ title: "随机录取", confirm: "抽签（只能一次）", text: `${r.public_source}，${when(r.public_at)}公布。${r.applicants} 人申请，${r.places} 个学位。`, fields: [
    { name: "public_value", label: "公开数值，照来源原样填写", required: true, minlength: 4, maxlength: 100 }],
  send: (v) => post(`/v1/transfer-rounds/${r.id}/draw`, v) });
  if (!done) return;
  toast(`已抽签，录取 ${done.winners} 人；其余由主管部门统筹安排。`);
  await again();
}
