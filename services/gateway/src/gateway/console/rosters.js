// A school's roster in four steps: upload, check, confirm, result; with the way of clause 15.1 as a picture.
import { action, api, ask, badge, download, events, fill, finding, h, newKey, paged, query, showProblem, table, toast, upload, when } from "./core.js";
import { buttons, decideRoster, look } from "./decisions.js";
import { session } from "./session.js";
import { className, PIPELINE, REGISTRATION_STATES, ROSTER_STATES, ROW_STATES } from "./words.js";
import { mySteps } from "./work.js";

const sum = (counts) => Object.values(counts).reduce((all, n) => all + n, 0);
const bar = (label, value) => h("div", { class: "progress" }, h("progress", { max: 1, value, "aria-label": label }), h("span", null, label));

export async function rostersPage(place) {
  const list = h("div", { class: "card" });
  const registrar = session.has("registrar");
  fill(place, h("div", { class: "head" }, h("h1", null, "名册"),
    registrar && h("div", { class: "row" }, h("a", { class: "button", href: "#/registration" }, "录入一名学生"), action("下载空白模板", () => download("/v1/rosters/template")))),
  registrar && [steps(0), dropzone(), h("h2", null, "已上传的名册")], list);
  await paged(list, (cursor) => api(`/v1/rosters${query({ limit: 50, cursor })}`), (items) => table(
    ["名册", "状态", "行数", "可导入", "拒绝", "上传"], items.map((r) => [
      h("div", null, h("a", { href: `#/rosters/${r.id}` }, r.file_name), h("div", { class: "muted" }, r.school_name)),
      badge(ROSTER_STATES[r.state], r.state), r.totals.rows, r.totals.valid + r.totals.warned, r.totals.refused || "—",
      h("div", null, when(r.created_at), h("div", { class: "muted" }, r.created_by)),
    ]), "名册"), "还没有名册。");
}

function dropzone() {
  const input = h("input", { type: "file", accept: ".xlsx,.xls,.xlsm,.ods", class: "sr", id: "workbook", onchange: () => take(input.files[0]) });
  const status = h("div", { "aria-live": "polite" });
  const zone = h("div", { class: "card drop" },
    input, h("label", { for: "workbook", class: "button primary" }, "选择工作簿"),
    h("p", null, "或把 Excel 工作簿拖到这里"),
    h("p", { class: "muted" }, "列名与《学生基本信息表》一致。上传后先检查，确认之前不会建立任何内容。"), status);
  const over = (on) => (event) => { event.preventDefault(); zone.classList.toggle("over", on); };
  for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => { over(false)(event); take(event.dataTransfer.files[0]); });
  let busy = false;
  async function take(file) {
    if (!file || busy) return;
    busy = true;
    const key = newKey();
    const draw = (part) => fill(status, bar(`正在上传 ${file.name}：${Math.round(part * 100)}%`, part));
    draw(0);
    try {
      location.hash = `#/rosters/${(await upload("/v1/rosters", file, key, draw)).id}`;
    } catch (error) {
      fill(status, h("p", { class: "error", role: "alert" }, error.message),
        (error.status === 0 || error.status >= 500) && action("再试一次", () => take(file)));
    } finally {
      busy = false;
      input.value = "";
    }
  }
  return zone;
}

function steps(now) {
  return h("ol", { class: "steps", "aria-label": "导入步骤" }, ["上传", "核对", "确认", "结果"].map((name, i) =>
    h("li", { class: i < now ? "done" : i === now ? "now" : "", "aria-current": i === now && "step" }, h("i", null, i < now ? "✓" : i + 1), name)));
}

const AT = { uploaded: 1, checking: 1, checked: 2, confirming: 2, in_approval: 3, issuing: 3, completed: 4, cancelled: 1, failed: 1 };

function pipeline(r) {
  const counts = PIPELINE.map(([state]) => r.steps[state] ?? 0);
  const aside = ["returned", "rejected", "withdrawn"].filter((state) => r.steps[state]);
  return h("section", { class: "card", "aria-label": "建籍流程" },
    h("ol", { class: "pipeline" }, PIPELINE.map(([, name], i) => {
      const passed = counts.slice(i + 1).some(Boolean);
      const last = i === PIPELINE.length - 1;
      const look_ = counts[i] ? (last ? "done" : "here") : passed ? "done" : "";
      return h("li", { class: look_ }, h("i", null, counts[i] || (look_ === "done" ? "✓" : "·")), h("span", null, name));
    })),
    aside.length > 0 && h("p", { class: "aside" }, aside.map((state) => badge(`${REGISTRATION_STATES[state]} ${r.steps[state]}`, state))));
}

function tiles(r) {
  const t = r.totals;
  const given = [["总行数", t.rows], ["可导入", t.valid + t.warned, "good"], ["其中有提示", t.warned, t.warned && "warn"],
    ["拒绝", t.refused, t.refused && "bad"], ["已在本校", t.already_here], ...Object.entries(r.numbers).sort().map(([kind, n]) => [`${kind} 学籍号`, n, kind === "G" ? "good" : "warn"])];
  return h("div", { class: "tiles" }, given.map(([name, n, kind]) => h("div", { class: `tile ${kind || ""}` }, h("b", null, n), h("span", null, name))));
}

const WORKING = { uploaded: "等待检查", checking: "正在逐行检查", confirming: "正在导入", issuing: "正在比对公安信息并发放学籍号" };

export async function rosterPage(place, { id, signal }) {
  const summary = h("div");
  const rows = h("div");
  place.append(summary, rows);
  let shown = "";
  async function draw(r) {
    fill(summary, head(r, reload));
    if (!r.totals.rows) fill(rows);
    const now = `${r.state} ${sum(r.steps)} ${r.totals.refused}`;
    if (now === shown || !r.totals.rows || ["uploaded", "checking", "confirming"].includes(r.state)) return;
    shown = now;
    await rowList(rows, r, reload);
  }
  const reload = async () => draw(await api(`/v1/rosters/${id}`, { signal }));
  await reload();
  (async () => {
    for await (const r of events(`/v1/rosters/${id}/events`, signal)) await draw(r);
  })().catch((error) => signal.aborted || showProblem(error));
}

function head(r, reload) {
  const working = WORKING[r.state] ?? (r.sheets_state === "printing" && "正在打印确认表");
  const part = r.progress.total ? r.progress.done / r.progress.total : 0;
  return [
    h("div", { class: "head" }, h("div", null, h("h1", null, r.file_name, " ", badge(ROSTER_STATES[r.state], r.state)),
      h("p", { class: "muted" }, `${r.school_name}，${r.created_by}，${when(r.created_at)}`)), h("a", { class: "button", href: "#/rosters" }, "返回列表")),
    steps(AT[r.state]),
    sum(r.steps) > 0 && pipeline(r),
    working && h("div", { class: "card" }, bar(r.progress.total ? `${working}：${r.progress.done} / ${r.progress.total}` : working, part)),
    r.problem && h("div", { class: "finding refuse" }, r.problem),
    r.totals.rows > 0 && tiles(r),
    r.findings.map(finding),
    next(r, reload),
  ];
}

// What this account can do now, and the files there are.
function next(r, reload) {
  const then = (act) => async () => { await act(); await reload(); };
  const post = (what) => api(`/v1/rosters/${r.id}/${what}`, { method: "POST" });
  const registrar = session.has("registrar");
  const accepted = r.totals.valid + r.totals.warned;
  const parts = [];
  if (registrar && r.state === "checked") {
    parts.push(h("div", { class: "row" },
      !accepted && h("p", { class: "grow" }, `没有可导入的学生：${r.totals.already_here} 名已在本校，${r.totals.refused} 行被拒绝。更正后可再次上传。`),
      accepted > 0 && action(`确认导入 ${accepted} 名学生`, then(async () => {
        const classes = r.new_classes.length ? `将新建班级：${r.new_classes.join("、")}。` : "";
        if (await ask({ title: `确认导入 ${accepted} 名学生？`, text: `${classes}拒绝的 ${r.totals.refused} 行不会导入，可更正后再次上传。`, confirm: "确认导入" })) await post("confirmation");
      }), { class: "primary" }),
      action("放弃这份名册", then(async () => {
        if (await ask({ title: "放弃这份名册？", text: "检查结果会删除，没有建立任何学籍。", confirm: "放弃", danger: true })) {
          await api(`/v1/rosters/${r.id}`, { method: "DELETE" });
          toast("已放弃。");
        }
      }), { class: "quiet" })));
  }
  for (const step of mySteps().filter((s) => r.steps[s.waits])) {
    parts.push(h("div", { class: "row" }, h("b", { class: "grow" }, `等待您办理：${step.name} ${r.steps[step.waits]} 名`),
      step.step === "guardian" && r.sheets_state !== "printing" && action(r.sheets_state === "ready" ? "重新打印确认表" : "打印确认表", then(() => post("confirmation-sheets")), { class: r.sheets_state === "none" && "primary" }),
      // Nothing to sign before it is printed.
      buttons(step, async (act) => { if (await decideRoster(r, step, act)) await reload(); }, step.step === "guardian" && r.sheets_state !== "ready" ? "" : undefined)));
  }
  if (r.files.length && session.has("registrar", "principal")) {
    parts.push(h("div", { class: "row files" }, r.files.map((f) => action(
      [f.name, h("small", null, `${f.label ? `${f.label}，` : ""}${Math.ceil(f.file.size / 1024)} KB`)],
      () => download(`/v1/rosters/${r.id}/files/${f.file.id}`), { class: `file ${f.kind}` }))));
  }
  return parts.length ? h("section", { class: "card stack", "aria-label": "下一步" }, parts) : null;
}

async function rowList(place, r, reload) {
  const kinds = Object.keys(ROW_STATES).filter((state) => r.totals[state]);
  if (!kinds.length) return;
  let state = place.dataset.state && kinds.includes(place.dataset.state) ? place.dataset.state : kinds[0];
  const list = h("div");
  const search = h("input", { type: "search", placeholder: "在已显示的行中筛选：姓名、原因、条款", "aria-label": "筛选", oninput: () => filter() });
  const filter = () => {
    for (const line of list.querySelectorAll("tbody tr")) line.hidden = !line.textContent.includes(search.value.trim());
  };
  const tabs = kinds.map((kind) => action(`${ROW_STATES[kind]} ${r.totals[kind]}`, async () => { state = kind; await load(); }, { class: "tab" }));
  const load = async () => {
    place.dataset.state = state;
    kinds.forEach((kind, i) => tabs[i].setAttribute("aria-pressed", kind === state));
    await paged(list, (cursor) => api(`/v1/rosters/${r.id}/rows${query({ state, cursor, limit: 100 })}`), (items) => table(
      ["行", "姓名", "身份证件号", "年级班", "原因与办法"], items.map((row) => [
        row.row,
        row.registration_id ? action(row.name, () => look(row.registration_id, mySteps(), reload), { class: "link" }) : row.name,
        h("code", null, row.masked_document || "—"), className(row.grade, row.class_no),
        row.findings.filter((f) => f.outcome !== "pass" && (state !== "refused" || f.outcome === "refuse")).map(finding),
      ]), "名册的行"), "没有这样的行。");
    filter();
  };
  fill(place, h("h2", null, "逐行结果"), h("div", { class: "card" }, h("div", { class: "row" }, tabs, search), list));
  await load();
}
