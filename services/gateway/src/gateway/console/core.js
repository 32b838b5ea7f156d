// The API, and the few things every page is made of.
import { authorization, refresh, session } from "./session.js";

export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  return fill(node, ...children);
}

// The same for pictures, drawn with attributes alone.
export function svg(tag, props, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, value);
  return fill(node, ...children);
}

// Puts these and nothing else into a place; what is null or false is left out.
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export class Problem extends Error {
  constructor(body, status, retryAfter) {
    super(body.detail || body.title || "请求没有成功");
    this.status = status;
    this.retryAfter = Number(retryAfter) || 0;
    this.type = body.type?.split(":").pop();
    this.findings = body.findings ?? [];
    this.trace = body.trace_id;
  }
}

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID exists on https and localhost only
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function failed(answer) {
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401 && session.get()) dispatchEvent(new Event("signed-out"));
  return new Problem(body, answer.status, answer.headers.get("Retry-After"));
}

// One request. A POST whose outcome is unknown is sent again with the same key: it is carried out once. A token that
// counts no more (it ended, or the account's rights changed) is replaced once.
export async function request(path, { method = "GET", body, headers = {}, signal } = {}) {
  const all = { ...headers };
  if (method === "POST" && path !== "/v1/sessions") all["Idempotency-Key"] ??= newKey();
  if (body !== undefined) all["Content-Type"] = "application/json";
  let renewed = false;
  for (let tries = 1; ; tries += 1) {
    let answer;
    try {
      answer = await fetch(path, { method, headers: { ...all, ...await authorization() }, body: body && JSON.stringify(body), signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      if (tries >= 3) throw new Problem({ detail: "无法连接服务器，请检查网络后重试。" }, 0);
      await pause(800 * tries);
      continue;
    }
    movedDay = answer.headers.get("X-Xueji-Day") ?? undefined;
    if (answer.ok) return answer;
    if (answer.status === 401 && session.get() && !renewed) {
      renewed = true;
      const alive = await refresh().catch(() => { throw new Problem({ detail: "登录暂时无法延续，请稍后重试。" }, 503); });
      if (alive) continue;
      dispatchEvent(new Event("signed-out"));
    }
    if ((answer.status === 503 || answer.status === 504) && tries < 3) {
      await pause(1000 * tries);
      continue;
    }
    throw await failed(answer);
  }
}

export async function api(path, options) {
  const answer = await request(path, options);
  return answer.status === 204 ? null : answer.json();
}

export const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

export async function download(path, options) {
  const answer = await request(path, options);
  const name = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("Content-Disposition") ?? "");
  const url = URL.createObjectURL(await answer.blob());
  h("a", { href: url, download: name ? decodeURIComponent(name[1]) : "下载" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// fetch cannot tell how far an upload is; XMLHttpRequest can.
export async function upload(path, file, key, progress) {
  const headers = { ...await authorization(), "Idempotency-Key": key };
  return new Promise((done, fail) => {
    const form = new FormData();
    form.append("file", file);
    const sending = new XMLHttpRequest();
    sending.open("POST", path);
    for (const [name, value] of Object.entries(headers)) sending.setRequestHeader(name, value);
    sending.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    sending.onload = () => {
      const body = (() => { try { return JSON.parse(sending.responseText); } catch { return {}; } })();
      if (sending.status === 401) dispatchEvent(new Event("signed-out"));
      if (sending.status < 300) done(body);
      else fail(new Problem(body, sending.status));
    };
    sending.onerror = () => fail(new Problem({ detail: "上传中断，请检查网络和文件大小后重试。" }, 0));
    sending.send(form);
  });
}

// Server-Sent Events over fetch (EventSource cannot send a token); comes back where it broke off.
export async function* events(path, signal) {
  let last = "";
  while (!signal.aborted) {
    try {
      const answer = await request(path, { signal, headers: last ? { "Last-Event-ID": last } : {} });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
        const blocks = text.split("\n\n");
        text = blocks.pop();
        for (const block of blocks) {
          const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s)));
          if (fields.id) last = fields.id;
          if (fields.event === "end") return;
          if (fields.event === "problem") throw new Problem(JSON.parse(fields.data), 0);
          if (fields.event) yield JSON.parse(fields.data);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.status >= 400 && error.status < 500) throw error;
    }
    await pause(1500);
  }
}

export function toast(text, kind = "good") {
  const note = h("div", { class: `toast ${kind}` }, text);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 9000 : 4500);
}

// What went wrong and how to go on, line by line.
export function told(error) {
  const reasons = (error.findings ?? []).filter((f) => f.outcome === "refuse" || f.outcome === "needs_override");
  const said = (f) => error.message.includes(f.message) && error.message.includes(f.cure ?? "");
  const detail = reasons.slice(0, 3).filter((f) => !said(f)).map((f) => f.message + (f.cure ? `（${f.cure}）` : ""));
  return [error.message, ...detail].join("\n") + (error.status >= 500 && error.trace ? `\n追踪号 ${error.trace}` : "");
}

export function showProblem(error) {
  if (error.name === "AbortError") return;
  toast(told(error), "bad");
  if (!(error instanceof Problem)) console.error(error);
}

// The code tables, asked for once.
let tables;
export function codes() {
  tables ??= api("/v1/code-tables").then((all) => ({
    name: (table, code) => all.tables.find((t) => t.key === table)?.entries.find((e) => e.code === code)?.name,
    offered: (table) => all.tables.find((t) => t.key === table)?.entries.filter((e) => e.offered !== false && !e.barred) ?? [],
    counties: all.divisions.filter((d) => !d.code.endsWith("00")).map((d) => [d.code, d.name.replace(/^黑龙江省/, "")]),
    division: (code) => all.divisions.find((d) => d.code === code.slice(0, 6))?.name,
  }), (error) => { tables = undefined; throw error; });
  return tables;
}

// A button that does one thing at a time and shows what went wrong.
export function action(label, act, props = {}) {
  const button = h("button", { type: "button", ...props, onclick: async () => {
    button.disabled = true;
    try { await act(button); } catch (error) { showProblem(error); } finally {
      button.disabled = false;
      if (document.activeElement === document.body) button.focus(); // a disabled one had to give it away
    }
  } }, label);
  return button;
}

// A labelled field: `options` make it a choice, `type: "checks"` several; `hint` says what is wanted.
// `control`: the input itself, where it is none of these; `after`: what stands below it and is no part of its label.
export function field({ name, label, type = "text", required, value = "", options, hint, grow, control, after, ...more }) {
  if (type === "checks") {
    return h("fieldset", { class: "field checks" }, h("legend", null, label), options.map(([code, text]) =>
      h("label", null, h("input", { type: "checkbox", name, value: code, checked: value.includes(code) }), text)));
  }
  const input = control ?? (options
    ? h("select", { name, ...more }, options.map(([code, text]) => h("option", { value: code, selected: code === value }, text)))
    : h(type === "textarea" ? "textarea" : "input", { name, type, required, value, rows: type === "textarea" && 3, ...more }));
  const made = h("label", { class: grow ? "field grow" : "field" }, h("span", null, label, required && h("b", null, " *")), input, hint && h("small", { class: "muted" }, hint));
  return after ? h("div", { class: "field" }, made, after) : made;
}

// A dialog with fields; resolves to their values, or null when it was dismissed. With `send` it stays open, and keeps
// what was typed, until sending succeeds, and resolves to the answer.
export function ask({ title, text, fields = [], confirm = "确定", dismiss = true, danger = false, wide = false, body, send }) {
  return new Promise((done) => {
    const error = h("div", { class: "error", role: "alert" });
    let answer;
    const values = () => {
      const given = new FormData(form);
      const many = fields.filter((one) => one.type === "checks").map((one) => [one.name, given.getAll(one.name)]);
      return { ...Object.fromEntries(given), ...Object.fromEntries(many) };
    };
    const sending = async (event) => {
      if (!send) return;
      event.preventDefault();
      const button = event.submitter;
      if (button) button.disabled = true;
      fill(error);
      try {
        answer = (await send(values())) ?? true;
        box.close("yes");
      } catch (problem) {
        fill(error, problem instanceof Against ? problem.shown : told(problem));
        error.scrollIntoView({ block: "nearest" });
      } finally {
        if (button) button.disabled = false;
      }
    };
    const form = h("form", { method: "dialog", onsubmit: sending },
      h("h2", null, title), text && h("p", { class: "muted" }, text), body, fields.map(field), error,
      h("div", { class: "row end" },
        dismiss && h("button", { type: "button", onclick: () => box.close("") }, confirm ? "取消" : "关闭"),
        confirm && h("button", { class: danger ? "danger" : "primary", value: "yes" }, confirm)));
    const box = h("dialog", { class: wide && "wide", "aria-label": title }, form);
    box.addEventListener("close", () => {
      done(box.returnValue !== "yes" ? null : send ? answer : values());
      box.remove();
    });
    document.body.append(box);
    box.showModal();
    box.scrollTop = 0; // what it says comes before what is to be answered, however far down the first field is
  });
}

export const when = (text) => new Date(text).toLocaleString("zh-CN", { dateStyle: "medium", timeStyle: "short", timeZone: "Asia/Shanghai" });
// The system's day: China's, or that of a demonstration whose clock was moved (every answer says it then).
let movedDay;
export const today = () => movedDay ?? new Date().toLocaleDateString("sv-SE", { timeZone: "Asia/Shanghai" });
export const isMoved = () => movedDay !== undefined;
export const daysAgo = (n) => new Date(Date.parse(`${today()}T00:00:00Z`) - n * 86_400_000).toISOString().slice(0, 10);
export const badge = (text, kind = "") => h("span", { class: `badge ${kind}` }, text);
export const empty = (text) => h("p", { class: "empty" }, text);

export function table(heads, rows, caption) {
  return h("div", { class: "scroll" }, h("table", null, h("caption", { class: "sr" }, caption),
    h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head || h("span", { class: "sr" }, "办理"))))),
    h("tbody", null, rows.map((cells) => h("tr", null, cells.map((cell, i) => h("td", { "data-label": typeof heads[i] === "string" ? heads[i] : "" }, Array.isArray(cell) ? h("div", null, cell) : cell)))))));
}

export function finding(found) {
  return h("div", { class: `finding ${found.outcome}` }, h("span", null, found.message),
    found.clause && h("span", { class: "clause", title: "实施细则条款" }, `第${found.clause}条`),
    found.cure && h("div", { class: "cure" }, found.cure));
}

// What the rules have against what was filled in. Thrown by `send` of a form (`ask`), which shows it and keeps all that stands
// in it: who has filled in twenty fields corrects one.
class Against extends Error {
  constructor(found, more) {
    super(found.map((one) => one.message).join("\n"));
    this.shown = [h("p", null, "还不能办理，请按下面的办法处理。"), found.map(finding), more];
  }
}
export function refuseFor(found, more) {
  if (found.length) throw new Against(found, more);
}

// A form of filters that loads when it is sent. Fields as in `ask`.
export function filters(fields, load, label = "查找") {
  const form = h("form", { class: "filters", onsubmit: (event) => { event.preventDefault(); load().catch(showProblem); } },
    fields.map(field), h("button", { class: "primary" }, label));
  form.values = () => Object.fromEntries(new FormData(form));
  return form;
}

export const facts = (pairs) => h("dl", { class: "facts" }, pairs.filter(([, value]) => value || value === 0).map(([name, value]) =>
  h("div", null, h("dt", null, name), h("dd", null, value))));

// Something that is shown once: to be copied or written down before the dialog is closed.
export function showOnce({ title, text, lines, confirm = "我已记下" }) {
  const secret = h("pre", { class: "secret", tabindex: 0 }, lines.join("\n"));
  const copy = action("复制", async () => { await navigator.clipboard.writeText(lines.join("\n")); toast("已复制。"); });
  return ask({ title, text, confirm, dismiss: false, body: [secret, navigator.clipboard && h("div", { class: "row" }, copy)] });
}

// Pages of a list, one after the other, into one place.
export async function paged(place, load, draw, none) {
  let cursor = null;
  const items = [];
  const more = action("加载更多", next);
  async function next() {
    const page = await load(cursor);
    items.push(...page.items);
    cursor = page.next_cursor;
    fill(place, items.length ? draw(items) : empty(none), cursor && h("div", { class: "row center" }, more));
  }
  fill(place, empty("正在加载……"));
  await next();
}
