// Classes and class assignment (clauses 11, 17, 24.6.1, 41): sizes, the draw from its settings to its result, moves.
import { action, api, ask, badge, facts, fill, finding, h, paged, query, table, toast, when } from "./core.js";
import { session } from "./session.js";
import { className, SEXES } from "./words.js";

const STATES = { draft: "warn", committed: "", drawn: "", applied: "good", cancelled: "", set_aside: "bad" };
const ATTRIBUTES = { boarding: "就读方式", home: "居住片区", level: "发展层次" };
const BOARDING = { 1: "走读", 2: "住校", "": "未填" };
const RULES = { together: "同班", apart: "分开" };
const prepares = () => session.has("registrar", "principal");
const decides = () => session.has("principal");
const above = () => session.has("authority_officer", "leader");
const bar = (value, of, kind, text) => h("progress", { class: `bar ${kind}`, max: of || 1, value, "aria-label": text });
const post = (path, body, headers) => api(path, { method: "POST", body, headers });
const reason = (label) => [{ name: "reason", label, type: "textarea", required: true, maxlength: 500 }];

export async function classesPage(place, { id }) {
  if (id) return assignmentPage(place, id);
  const [rooms, excess, draws, moves] = [0, 1, 2, 3].map(() => h("div", { class: "card" }));
  const own = !session.has("authority_officer", "leader");
  fill(place,
    h("div", { class: "head" }, h("div", null, h("h1", null, "班级与分班"), h("p", { class: "muted" }, "小学每班不超过 45 人、初中不超过 50 人。一键分班由抽签决定，任何人都可以重新计算核对。")),
      h("div", { class: "row" }, own && prepares() && action("新设班级", () => newClass(load), {}), own && prepares() && action("一键分班", newAssignment, { class: "primary" }))),
    above() && [h("h2", null, "超标准班额情况"), excess], own && [h("h2", null, "班级与班额"), rooms],
    session.has("registrar", "principal", "authority_officer", "leader") && [h("h2", null, above() ? "分班与重新分班申请" : "分班"), draws, h("h2", null, "调班记录"), moves]);
  const load = () => listRooms(rooms, load);
  const lists = session.has("registrar", "principal", "authority_officer", "leader");
  await Promise.all([own && load(), above() && listExcess(excess), lists && listAssignments(draws), lists && listMoves(moves)]);
  return undefined;
}

// ---- classes ------------------------------------------------------------------------------------------------------------

const sizeOf = (c) => [bar(c.size, c.standard, c.size > c.standard ? "bad" : c.size === c.standard ? "warn" : "good", `${c.size} 人，标准 ${c.standard} 人`), ` ${c.size}／${c.standard}`];

async function listRooms(place, again) {
  await paged(place, (cursor) => api(`/v1/classes${query({ cursor, limit: 200 })}`), (items) => table(
    ["班级", "人数／标准", "男", "女", "建籍中", "超出", ""], items.map((c) => [
      h("div", null, className(c.grade, c.class_no), c.display_name && h("div", { class: "muted" }, c.display_name)),
      sizeOf(c), c.boys, c.girls, c.on_the_way || "", c.excess ? badge(`超 ${c.excess} 人`, "bad") : "",
      h("div", { class: "row" }, action("名单", () => roomPupils(c, items, again), { class: "quiet" }),
        prepares() && action("更名", () => rename(c, again), { class: "quiet" }),
        prepares() && !c.size && action("撤销", () => closeRoom(c, again), { class: "danger quiet" })),
    ]), "班级"), "还没有班级。录入名册以后，班级按名册自动设立。");
}

async function newClass(again) {
  const done = await ask({ title: "新设班级", confirm: "设立", fields: [
    { name: "grade", label: "年级", options: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, className(n)]) },
    { name: "class_no", label: "班号", type: "number", min: 1, max: 99, required: true },
    { name: "display_name", label: "班级名称（可不填）", maxlength: 30 }],
  send: (v) => post("/v1/classes", { grade: Number(v.grade), class_no: Number(v.class_no), display_name: v.display_name || null }) });
  if (done) await again();
}

async function rename(c, again) {
  const done = await ask({ title: `${className(c.grade, c.class_no)}更名`, confirm: "保存", fields: [{ name: "name", label: "班级名称（留空则按班号称呼）", value: c.display_name ?? "", maxlength: 30 }],
    send: ({ name }) => api(`/v1/classes/${c.id}`, { method: "PATCH", body: { display_name: name || null }, headers: { "If-Match": `"${c.version}"` } }) });
  if (done) await again();
}

async function closeRoom(c, again) {
  if (!await ask({ title: `撤销${className(c.grade, c.class_no)}`, confirm: "撤销", danger: true, text: "只能撤销没有学生的班级。", send: () => post(`/v1/classes/${c.id}/closure`) })) return;
  await again();
}

async function roomPupils(c, rooms, again) {
  const list = h("div", null);
  const others = rooms.filter((r) => r.grade === c.grade && r.id !== c.id);
  const shown = ask({ title: `${className(c.grade, c.class_no)}名单`, confirm: "", wide: true, body: list });
  await paged(list, (cursor) => api(`/v1/students${query({ grade: c.grade, class_no: c.class_no, cursor, limit: 100 })}`), (items) => table(
    ["姓名", "性别", "出生日期", ""], items.map((s) => [h("a", { href: `#/students/${s.id}` }, s.name), SEXES[s.sex], s.birth_date,
      decides() && others.length > 0 && action("调班", () => move(s, others, again), { class: "quiet" })]), "班级名单"), "还没有已建立学籍的学生。");
  await shown;
}

async function move(s, rooms, again) {
  const done = await ask({ title: `${s.name}调班`, confirm: "调班", text: "只能调到同年级的其他班级，即日起生效，记入学籍变动记录。", fields: [
    { name: "class_id", label: "调入班级", options: rooms.map((r) => [r.id, `${className(r.grade, r.class_no)}（${r.size}／${r.standard}）`]) }, ...reason("理由")],
  send: (v) => post("/v1/class-moves", { pupil_id: s.id, class_id: v.class_id, reason: v.reason }) });
  if (!done) return;
  toast(`${s.name}已调到${className(done.grade, done.to_class)}。`);
  for (const open of document.querySelectorAll("dialog[open]")) open.close();
  await again();
}

async function listExcess(place) {
  const schools = h("div", null);
  const { authorities } = await api("/v1/classes/excess?limit=1");
  const most = Math.max(1, ...authorities.map((a) => a.pupils));
  fill(place, authorities.length > 0 && table(["主管部门", "学校", "班级", "超额班级", "超出人数"], authorities.map((a) => [
    a.authority_name, a.schools, a.classes, a.over, [bar(a.pupils, most, a.pupils ? "bad" : "good", `超出 ${a.pupils} 人`), ` ${a.pupils}`]]), "各主管部门超班额情况"), schools);
  await paged(schools, (cursor) => api(`/v1/classes/excess${query({ cursor, limit: 50 })}`), (items) => table(["学校", "班级", "超额班级", "超出人数", "最大班额"],
    items.map((s) => [s.school_name, s.classes, s.over, s.pupils, s.largest]), "超班额的学校"), "没有超过标准班额的班级。");
}

const listMoves = (place) => paged(place, (cursor) => api(`/v1/class-moves${query({ cursor, limit: 20 })}`), (items) => table(["学生", "年级", "调动", "理由", "日期", "批准人"],
  items.map((m) => [m.name, className(m.grade), `${m.from_class}班 → ${m.to_class}班`, m.reason, m.moved_on, m.moved_by]), "调班记录"), "没有调班记录。");

// ---- assignments ---------------------------------------------------------------------------------------------------------

const listAssignments = (place) => paged(place, (cursor) => api(`/v1/class-assignments${query({ cursor, limit: 20 })}`), (items) => table(["编号", "学校", "年级", "人数", "状态"],
  items.map((a) => [h("a", { href: `#/classes/${a.id}` }, a.number), a.school_name, className(a.grade), a.pupils + a.placed,
    [badge(a.state_title, STATES[a.state]), a.redraw?.decision === "waiting" && badge("申请重新分班", "warn")]]), "分班"), "还没有分班。");

const numbers = (count) => [...Array(Number(count)).keys()].map((n) => n + 1);

async function newAssignment() {
  const done = await ask({ title: "一键分班", confirm: "开始准备", text: "本年级全部学生（含建籍中的）进入名单。准备时可以随时修改，封存名单以后不能再改。", fields: [
    { name: "grade", label: "年级", options: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, className(n)]) },
    { name: "count", label: "分成几个班", type: "number", min: 1, max: 40, required: true },
    { name: "attributes", label: "除男女外还要均衡", type: "checks", options: Object.entries(ATTRIBUTES) }],
  send: (v) => post("/v1/class-assignments", { grade: Number(v.grade), classes: numbers(v.count), attributes: v.attributes }) });
  if (done) location.hash = `#/classes/${done.id}`;
}

async function assignmentPage(place, id) {
  const [a, pupils] = await Promise.all([api(`/v1/class-assignments/${id}`), everybody(id)]);
  const names = new Map(pupils.map((p) => [p.pupil_id, p.name]));
  const again = () => assignmentPage(place, id);
  const dry = h("div", { "aria-live": "polite" });
  fill(place,
    h("div", { class: "head" }, h("div", null, h("h1", null, `${a.school_name}${className(a.grade)}分班`), h("p", { class: "muted" }, a.number)),
      h("div", { class: "row" }, badge(a.state_title, STATES[a.state]), h("a", { class: "button", href: "#/classes" }, "返回"))),
    a.findings.map(finding),
    h("div", { class: "card" }, facts([["参加抽签", `${a.pupils} 人`], ["手工安置", a.placed ? `${a.placed} 人` : ""], ["分成", `${a.classes.length} 个班`], ["标准班额", `${a.standard} 人`],
      ["另外均衡", a.attributes.map((name) => ATTRIBUTES[name]).join("、")], ["公开数值来源", a.public_source], ["公布时间", a.public_at && when(a.public_at)], ["公开数值", a.public_value],
      ["名单哈希", a.list_sha256 && h("code", null, a.list_sha256.slice(0, 16), "…")], ["种子承诺", a.commitment && h("code", null, a.commitment.slice(0, 16), "…")],
      ["替代", a.replaces], ["取消理由", a.cancelled_reason]]),
    h("div", { class: "row" }, steps(a, pupils, again, dry), a.commitment && h("a", { class: "button", href: `/console/fenban.html#${a.number}`, target: "_blank" }, "公开核对页"))),
    a.redraw && redrawCard(a, again), dry, a.balance.length > 0 && [h("h2", null, "各班构成"), picture(a.balance)],
    a.rules.length > 0 && [h("h2", null, "约束"), h("div", { class: "card" }, table(["约束", "学生", "理由"], a.rules.map((r) => [RULES[r.kind], r.pupils.map((p) => names.get(p) ?? "（已离开）").join("、"), r.reason]), "约束"))],
    pupils.length > 0 && [h("h2", null, "名单"), h("p", { class: "muted" }, "编码告知监护人本人：凭编码在公开核对页找到自己的孩子。公布的文件中没有姓名。"),
      h("div", { class: "card" }, table(["编码", "姓名", "性别", ...a.attributes.map((name) => ATTRIBUTES[name]), "结果", "现在班级"], pupils.map((p) => [h("code", null, p.code), [p.name, p.gone && badge("已离开", "bad"), p.placement === "mainstreamed" && badge("随班就读", "")],
        SEXES[p.sex], ...a.attributes.map((name) => (name === "boarding" ? BOARDING[p.attributes[name]] : p.attributes[name]) ?? ""),
        p.place_in ? `${p.place_in}班（手工安置）` : p.class_no ? `${p.class_no}班` : "", p.present_class ? `${p.present_class}班` : ""]), "分班名单"))]);
  return undefined;
}

async function everybody(id) {
  if (!session.has("registrar", "principal", "authority_officer")) return [];
  const found = [];
  for (let cursor = null; ;) {
    const page = await api(`/v1/class-assignments/${id}/pupils${query({ cursor, limit: 200 })}`);
    found.push(...page.items);
    if (!(cursor = page.next_cursor)) return found;
  }
}

// How the classes are made up: boys and girls, and each value of what is balanced besides.
function picture(classes) {
  const most = Math.max(1, ...classes.map((c) => c.size));
  const attributes = [...new Set(classes.flatMap((c) => Object.keys(c.attributes)))];
  const text = (name, value) => (name === "boarding" ? BOARDING[value] ?? value : value) || "未填";
  return h("div", { class: "card" }, table(["班级", "人数", "男", "女", "手工安置", ...attributes.map((name) => ATTRIBUTES[name])], classes.map((c) => [
    `${c.class_no}班`, [bar(c.size, most, "", `${c.size} 人`), ` ${c.size}`], [bar(c.boys, most, "good", `男 ${c.boys} 人`), ` ${c.boys}`],
    [bar(c.girls, most, "warn", `女 ${c.girls} 人`), ` ${c.girls}`], c.placed || "",
    ...attributes.map((name) => Object.entries(c.attributes[name] ?? {}).map(([value, n]) => `${text(name, value)} ${n}`).join("，")),
  ]), "各班构成"));
}

function steps(a, pupils, again, dry) {
  const path = `/v1/class-assignments/${a.id}`;
  const match = { "If-Match": `"${a.version}"` };
  const revise = (changes) => api(path, { method: "PATCH", headers: match, body: { classes: a.classes, attributes: a.attributes, pupils: kept(pupils), rules: a.rules, ...changes } });
  const draft = a.state === "draft" && prepares();
  return [
    draft && action("试算", async () => {
      const found = await api(`${path}/preview`);
      fill(dry, h("h2", null, "试算（不是结果，每次抽签都不同）"), found.findings.map(finding), found.classes.length > 0 && picture(found.classes));
    }),
    draft && action("刷新名单", async () => { await revise({}); await again(); }),
    draft && action("班数与均衡", async () => {
      const done = await ask({ title: "班数与均衡", confirm: "保存", fields: [{ name: "count", label: "分成几个班", type: "number", min: 1, max: 40, value: a.classes.length, required: true },
        { name: "attributes", label: "除男女外还要均衡", type: "checks", options: Object.entries(ATTRIBUTES), value: a.attributes }],
      send: (v) => revise({ classes: numbers(v.count), attributes: v.attributes }) });
      if (done) await again();
    }),
    draft && action("学生设置", () => pupilSettings(a, pupils, revise, again)),
    draft && action("添加约束", () => addRule(a, pupils, revise, again)),
    draft && a.rules.length > 0 && action("删除约束", async () => {
      const done = await ask({ title: "删除约束", confirm: "删除", danger: true, fields: [{ name: "n", label: "约束", options: a.rules.map((r, n) => [n, `${RULES[r.kind]}：${r.reason}`]) }],
        send: ({ n }) => revise({ rules: a.rules.filter((_, i) => i !== Number(n)) }) });
      if (done) await again();
    }),
    a.state === "draft" && decides() && action("封存名单", async () => {
      const done = await ask({ title: "封存名单", confirm: "封存并公布", text: "封存以后名单不能再改。系统同时公布名单和随机种子的哈希，并要用一个现在谁也不知道的公开数值。", fields: [
        { name: "public_source", label: "公开数值来源", required: true, minlength: 4, maxlength: 100, hint: "例如：中国福利彩票双色球 2026101 期开奖号码" },
        { name: "public_at", label: "公布时间（一天以后）", type: "datetime-local", required: true }],
      send: (v) => post(`${path}/commitment`, { public_source: v.public_source, public_at: `${v.public_at}:00+08:00` }, match) });
      if (done) await again();
    }, { class: "primary" }),
    a.state === "committed" && decides() && action("抽签", async () => {
      const done = await ask({ title: "抽签", confirm: "抽签（只能一次）", text: `${a.public_source}，${when(a.public_at)}公布`, fields: [{ name: "public_value", label: "公开数值，照来源原样填写", required: true, minlength: 4, maxlength: 100 }],
        send: (v) => post(`${path}/draw`, v) });
      if (done) await again();
    }, { class: "primary" }),
    a.state === "drawn" && decides() && action("执行分班", async () => {
      if (await ask({ title: "执行分班", confirm: "执行", text: "学生按抽签结果进入各班，记入学籍变动记录。", send: () => post(`${path}/application`) })) await again();
    }, { class: "primary" }),
    ["draft", "committed"].includes(a.state) && prepares() && action("取消", async () => {
      if (await ask({ title: "取消分班", confirm: "取消这次分班", danger: true, fields: reason("理由（已公布的仍然保留）"), send: (v) => post(`${path}/cancellation`, v) })) await again();
    }, { class: "danger quiet" }),
    ["drawn", "applied"].includes(a.state) && !a.redraw && decides() && action("申请重新分班", async () => {
      if (await ask({ title: "申请重新分班", confirm: "报主管部门", text: "两次抽签都保留并公布，只能申请一次。", fields: reason("理由"), send: (v) => post(`${path}/redraw-request`, v) })) await again();
    }, { class: "danger quiet" }),
  ];
}

function redrawCard(a, again) {
  const { redraw } = a;
  const decide = (decision, label, danger) => action(label, async () => {
    const done = await ask({ title: label, confirm: label, danger, fields: reason("理由（公布）"), send: (v) => post(`/v1/class-assignments/${a.id}/redraw-decision`, { decision, reason: v.reason }) });
    if (done) await again();
  }, { class: danger ? "danger quiet" : "primary" });
  return h("div", { class: "card" }, h("h2", null, "重新分班申请 ", badge({ waiting: "待审批", approved: "已批准", rejected: "未批准" }[redraw.decision], redraw.decision === "waiting" ? "warn" : "")),
    facts([["理由", redraw.reason], ["申请时间", when(redraw.asked_at)], ["审批意见", redraw.decision_reason]]),
    redraw.decision === "waiting" && session.has("authority_officer") && h("div", { class: "row" }, decide("approve", "批准重新分班"), decide("reject", "不批准", true)));
}

const kept = (pupils) => pupils.filter((p) => p.place_in || p.attributes.home || p.attributes.level).map((p) => (
  { pupil_id: p.pupil_id, home: p.attributes.home ?? "", level: p.attributes.level ?? "", place_in: p.place_in }));

// Home and level of each pupil as lines of text: they come from the school's own list.
async function pupilSettings(a, pupils, revise, again) {
  const line = (p) => [p.code, p.name, p.attributes.home ?? "", p.attributes.level ?? "", p.place_in ?? ""].join("，");
  const done = await ask({ title: "学生设置", confirm: "保存", wide: true,
    text: "每行一名学生：编码，姓名，居住片区，发展层次（A 至 E，不得填分数），手工安置的班号（只有随班就读学生可以）。可以整段复制到表格里改好再贴回来。",
    fields: [{ name: "lines", label: "学生", type: "textarea", value: pupils.map(line).join("\n"), grow: true, rows: 16 }],
    send: ({ lines }) => {
      const ids = new Map(pupils.map((p) => [p.code, p.pupil_id]));
      const settings = lines.split("\n").filter((text) => text.trim()).map((text) => {
        const [code, , home = "", level = "", place = ""] = text.split(/[，,\t]/).map((part) => part.trim());
        if (!ids.has(code)) throw new Error(`名单中没有编码“${code}”。请保留每行开头的编码。`);
        return { pupil_id: ids.get(code), home, level, place_in: place ? Number(place) : null };
      });
      return revise({ pupils: settings.filter((s) => s.home || s.level || s.place_in) });
    } });
  if (done) await again();
}

async function addRule(a, pupils, revise, again) {
  const options = pupils.filter((p) => !p.place_in).map((p) => [p.pupil_id, `${p.name}（${p.code}）`]);
  const done = await ask({ title: "添加约束", confirm: "添加", fields: [{ name: "kind", label: "约束", options: Object.entries(RULES) },
    { name: "first", label: "学生", options }, { name: "second", label: "学生", options }, { name: "reason", label: "理由（不公布）", required: true, minlength: 4, maxlength: 200 }],
  send: (v) => revise({ rules: [...a.rules, { kind: v.kind, pupils: [v.first, v.second], reason: v.reason }] }) });
  if (done) await again();
}
