// Accounts and integration clients, for those who administer them (clauses 3.1, 45.3). Auditors look.
import { action, api, ask, badge, facts, fill, filters, h, paged, query, showOnce, table, toast, today, when } from "./core.js";
import { session } from "./session.js";
import { ACCOUNT_STATES, AUTHORITY_ROLES, browser, ROLES, SCHOOL_ROLES, SCOPES } from "./words.js";

const STATE_KINDS = { active: "good", locked: "warn", sealed: "bad", dormant: "warn" };
const named = (roles) => roles.map((role) => ROLES[role] ?? role).join("、");
const manages = () => session.has("account_admin");
const options = (words, first) => [["", first], ...Object.entries(words)];
const reason = { name: "reason", label: "原因（记入审计）", type: "textarea", required: true, maxlength: 500 };

export async function accountsPage(place, { id }) {
  if (id) return accountPage(place, id);
  const list = h("div", { class: "card" });
  const load = () => {
    const given = filter.values();
    return paged(list, (cursor) => api(`/v1/accounts${query({ ...given, cursor, limit: 50 })}`), (items) => table(
      ["用户名", "姓名", "单位", "角色", "状态", "最近登录"], items.map((a) => [
        h("a", { href: `#/accounts/${a.username}` }, a.username), a.name, a.organisation_name, named(a.roles),
        badge(ACCOUNT_STATES[a.state], STATE_KINDS[a.state]), a.last_sign_in_at ? when(a.last_sign_in_at) : "从未",
      ]), "账号"), "没有这样的账号。");
  };
  const filter = filters([
    { name: "name", label: "用户名或姓名", maxlength: 60, grow: true },
    { name: "role", label: "角色", options: options(Object.fromEntries([...SCHOOL_ROLES, ...AUTHORITY_ROLES].map((r) => [r, ROLES[r]])), "全部") },
    { name: "state", label: "状态", options: options(ACCOUNT_STATES, "全部") },
    { name: "organisation", label: "单位代码", pattern: "\\d{6}|\\d{10}", maxlength: 10, inputmode: "numeric" },
  ], load);
  fill(place, h("div", { class: "head" }, h("h1", null, "账号"), h("div", { class: "row" },
    h("a", { class: "button", href: "#/clients" }, "接口用户"),
    manages() && action("建立账号", async () => { if (await create()) await load(); }, { class: "primary" }))), filter, list);
  return load();
}

const roleBoxes = (code, value) => ({ name: "roles", label: "角色", type: "checks", value,
  options: (code.length === 10 ? SCHOOL_ROLES : AUTHORITY_ROLES).map((role) => [role, ROLES[role]]) });
const classField = (value = "") => ({ name: "classes", label: "班主任所带班级", value, hint: "整个年级写 1，一个班写 1-03，用空格分开；不是班主任则不填" });
const classesOf = (text) => text.split(/[\s,，、]+/).filter(Boolean);

async function create() {
  const found = await ask({ title: "建立账号", confirm: "下一步", fields: [
    { name: "organisation", label: "单位代码", required: true, pattern: "\\d{6}|\\d{10}", maxlength: 10, inputmode: "numeric",
      value: session.get().account.organisation, hint: "教育行政部门 6 位，学校 10 位" }], send: ({ organisation }) => api(`/v1/organisations/${organisation}`) });
  if (!found) return false;
  const { code, name } = found.organisation;
  const made = await ask({ title: `建立账号：${name}`, confirm: "建立", fields: [
    { name: "username", label: "用户名", required: true, pattern: "[a-z][a-z0-9._\\-]{2,63}", maxlength: 64, hint: "小写字母、数字，例如 nangang.zhang；以后不能更改，也不再给别人", autocapitalize: "none" },
    { name: "name", label: "使用人姓名", required: true, maxlength: 50 },
    roleBoxes(code, []), ...(code.length === 10 ? [classField()] : [])],
  send: (given) => api("/v1/accounts", { method: "POST", body: { ...given, organisation: code, classes: classesOf(given.classes ?? "") } }) });
  if (!made) return false;
  await issued(made, "账号已建立");
  return true;
}

const issued = ({ account, password }, title) => showOnce({ title, lines: [`用户名：${account.username}`, `初始密码：${password}`],
  text: `请当面或以其他可靠方式交给${account.name}。初始密码只显示这一次，首次登录时须改为自己的密码。` });

async function accountPage(place, username) {
  const a = await api(`/v1/accounts/${username}`);
  const sessions = h("div", { class: "card" });
  const reload = () => accountPage(place, username);
  const post = async (what, title, { confirm, text, danger, then } = {}) => {
    const answer = await ask({ title, text, confirm, danger, fields: [reason], send: (body) => api(`/v1/accounts/${username}/${what}`, { method: "POST", body }) });
    if (!answer) return;
    if (then) await then(answer); else toast("已办理。");
    await reload();
  };
  const own = username === session.get().account.username;
  const shut = a.state === "sealed" || a.state === "dormant";
  const acts = manages() && !own && h("div", { class: "row" },
    action("修改姓名和角色", async () => { if (await edit(a)) await reload(); }),
    action("重置密码", () => post("password-reset", "重置密码", { confirm: "重置", text: "原密码立即失效，锁定随之解除。", then: (answer) => issued(answer, "密码已重置") })),
    a.second_factor && action("解除动态口令", () => post("second-factor-reset", "解除动态口令", { confirm: "解除", text: "手机遗失时使用。请先核实是本人。" })),
    shut ? action("启用", () => post("unseal", "启用账号", { confirm: "启用" }), { class: "primary" })
      : action("封存", () => post("seal", "封存账号", { confirm: "封存", danger: true, text: "封存后不能登录，正在使用的登录立即结束。账号不会删除。" }), { class: "danger quiet" }));
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, a.name, " ", badge(ACCOUNT_STATES[a.state], STATE_KINDS[a.state])),
    h("p", { class: "muted" }, a.organisation_name)), h("a", { class: "button", href: "#/accounts" }, "返回列表")),
  h("div", { class: "card" }, facts([["用户名", h("code", null, a.username)], ["角色", named(a.roles)], ["尚不能使用的角色", named(a.withheld)],
    ["班级", a.classes.join("、")], ["动态口令", a.second_factor ? "已绑定" : "未绑定"], ["须修改密码", a.must_change_password ? "是" : "否"],
    ["建立", `${when(a.created_at)}，${a.created_by}`], ["最近登录", a.last_sign_in_at ? when(a.last_sign_in_at) : "从未"],
    ["锁定至", a.locked_until && when(a.locked_until)], ["封存原因", a.sealed_reason]]), acts, own && h("p", { class: "muted" }, "这是您自己的账号，由另一位账号管理员管理。")),
  manages() && [h("h2", null, "登录会话"), sessions]);
  if (!manages()) return undefined;
  return paged(sessions, (cursor) => api(`/v1/sessions${query({ username, cursor, limit: 50 })}`), (items) => table(["开始", "最近使用", "地址", "浏览器", ""],
    items.map((one) => [when(one.started_at), when(one.seen_at), h("code", null, one.address || "—"), h("span", { title: one.agent }, browser(one.agent)),
      action("结束", async () => { await api(`/v1/sessions/${one.id}`, { method: "DELETE" }); await reload(); })]), "登录会话"), "现在没有登录。");
}

async function edit(a) {
  const saved = await ask({ title: `修改：${a.username}`, confirm: "保存", text: "正在使用的登录随即按新的角色办理。", fields: [
    { name: "name", label: "使用人姓名", required: true, maxlength: 50, value: a.name },
    roleBoxes(a.organisation, a.roles), ...(a.organisation.length === 10 ? [classField(a.classes.join(" "))] : [])],
  send: ({ name, roles, classes }) => api(`/v1/accounts/${a.username}`, { method: "PATCH", body: { name, roles, classes: classesOf(classes ?? "") }, headers: { "If-Match": `"${a.version}"` } }) });
  if (saved) toast("已保存。");
  return Boolean(saved);
}

export async function clientsPage(place) {
  const list = h("div", { class: "card" });
  const load = () => paged(list, (cursor) => api(`/v1/clients${query({ cursor, limit: 50 })}`), (items) => table(
    ["标识", "名称", "单位", "范围", "有效至", "最近使用", ""], items.map((c) => [h("code", null, c.client_id), c.name, c.organisation,
      c.scopes.map((scope) => SCOPES[scope]).join("、"), c.ended_at ? badge("已停用", "bad") : c.expires_on, c.last_used_at ? when(c.last_used_at) : "从未",
      manages() && !c.ended_at && h("div", { class: "row" },
        action("换密钥", async () => {
          if (await ask({ title: "更换密钥？", text: "旧密钥立即失效，对方系统须换用新密钥。", confirm: "更换" })) await secret(await api(`/v1/clients/${c.client_id}/secret`, { method: "POST" }));
        }),
        action("停用", async () => {
          if (!await ask({ title: `停用 ${c.name}？`, text: "停用后不能恢复。", confirm: "停用", danger: true })) return;
          await api(`/v1/clients/${c.client_id}`, { method: "DELETE" });
          await load();
        }, { class: "danger quiet" })),
    ]), "接口用户"), "还没有接口用户。");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "接口用户"), h("p", { class: "muted" }, "其他政务系统以标识和密钥取得令牌（OAuth 2.0），只能读取，号码部分隐去。")),
    h("div", { class: "row" }, h("a", { class: "button", href: "#/accounts" }, "账号"), manages() && h("a", { class: "button", href: "#/webhooks" }, "接口推送"), manages() && action("建立接口用户", async () => { if (await createClient()) await load(); }, { class: "primary" }))), list);
  return load();
}

const secret = ({ client, secret: text }) => showOnce({ title: "接口密钥", lines: [`client_id：${client.client_id}`, `client_secret：${text}`],
  text: "密钥只显示这一次，请交给对方系统的管理人员。" });

async function createClient() {
  const made = await ask({ title: "建立接口用户", confirm: "建立", fields: [
    { name: "client_id", label: "标识", required: true, pattern: "[a-z][a-z0-9._\\-]{2,63}", maxlength: 64, autocapitalize: "none", hint: "小写字母、数字" },
    { name: "name", label: "系统名称", required: true, maxlength: 50 },
    { name: "organisation", label: "单位代码", required: true, pattern: "\\d{6}|\\d{10}", value: session.get().account.organisation, maxlength: 10 },
    { name: "scopes", label: "范围", type: "checks", value: [], options: Object.entries(SCOPES) },
    { name: "expires_on", label: "有效至", type: "date", required: true, min: today() }], send: (body) => api("/v1/clients", { method: "POST", body }) });
  if (made) await secret(made);
  return Boolean(made);
}
