// The own account: password, second factor, sessions (clause 45.3). What must be done first is asked for here, too.
import { action, api, ask, badge, facts, fill, h, paged, showOnce, table, toast, told, when } from "./core.js";
import { contactsCard } from "./contacts.js";
import { refresh, session } from "./session.js";
import { browser, ROLES } from "./words.js";

const password = (name, label, auto) => ({ name, label, type: "password", required: true, autocomplete: auto, maxlength: 128 });

async function changePassword(then) {
  const form = h("form", { class: "card narrow", onsubmit: async (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(form));
    if (given.new !== given.again) return fill(error, "两次输入的新密码不一样。");
    const button = form.querySelector("button");
    button.disabled = true;
    fill(error);
    try {
      await api("/v1/sessions/current/password", { method: "PUT", body: { current: given.current, new: given.new } });
      await refresh(); // the next token says what the account may do now
      toast("密码已修改，其他地方的登录已结束。");
      await then();
    } catch (problem) {
      fill(error, told(problem));
    } finally {
      button.disabled = false;
    }
    return undefined;
  } },
  h("h2", null, "修改密码"),
  ...[["current", "现在的密码", "current-password"], ["new", "新密码", "new-password"], ["again", "再输一次新密码", "new-password"]].map(([name, label, auto]) =>
    h("label", { class: "field" }, h("span", null, label), h("input", { name, type: "password", required: true, autocomplete: auto, maxlength: 128 }))),
  h("p", { class: "muted" }, "几个不相关的词连在一起，既长又好记。不要用姓名、单位、生日、常见词。"));
  const error = h("p", { class: "error", role: "alert" });
  form.append(error, h("button", { class: "primary" }, "修改密码"));
  return form;
}

async function bind(then) {
  const seed = await ask({ title: "绑定动态口令", confirm: "下一步", text: "请先输入密码。手机上需要一个动态口令应用（支持 TOTP，RFC 6238）。",
    fields: [password("password", "密码", "current-password"), { name: "code", label: "原动态口令或备用码（重新绑定时）", autocomplete: "one-time-code", maxlength: 40 }],
    send: (body) => api("/v1/sessions/current/second-factor", { method: "POST", body }) });
  if (!seed) return;
  const picture = h("img", { class: "qr", alt: "动态口令二维码", src: `data:image/svg+xml,${encodeURIComponent(seed.picture)}` });
  const bound = await ask({ title: "用手机扫描", text: "用动态口令应用扫描二维码，再输入它显示的 6 位数字。", confirm: "确认绑定",
    body: [picture, h("details", null, h("summary", null, "不能扫描？手工输入密钥"), h("pre", { class: "secret" }, seed.secret))],
    fields: [{ name: "code", label: "动态口令", required: true, inputmode: "numeric", autocomplete: "one-time-code", pattern: "\\s*\\d{3}\\s?\\d{3}\\s*", maxlength: 9 }],
    send: (body) => api("/v1/sessions/current/second-factor/confirmation", { method: "POST", body }) });
  if (!bound) return;
  await showOnce({ title: "备用码", text: "手机不在身边时，每个备用码可代替动态口令用一次。请打印或抄下，另外保管；关闭后不再显示。", lines: bound.codes });
  await refresh();
  toast("动态口令已绑定，下次登录时使用。");
  await then();
}

function sessionsOf(place, current) {
  const load = () => paged(place, (cursor) => api(`/v1/sessions?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`), (items) =>
    table(["开始", "最近使用", "地址", "浏览器", ""], items.map((one) => [when(one.started_at), when(one.seen_at), h("code", null, one.address || "—"),
      h("span", { title: one.agent }, browser(one.agent)), one.id === current ? badge("本次登录", "good") : action("结束", async () => {
        await api(`/v1/sessions/${one.id}`, { method: "DELETE" });
        toast("已结束。");
        await load();
      })]), "登录会话"), "没有其他登录。");
  return load();
}

// The whole page; while the account is limited only what has to be done.
export async function accountPage(place, { done }) {
  const { account, id } = session.get();
  if (account.limited === "password") {
    return fill(place, h("div", { class: "head" }, h("h1", null, "请先设置自己的密码")),
      h("p", { class: "finding note" }, "您用的是管理员给的初始密码，或者密码已经到期。改成只有自己知道的密码之后，才能办理业务。"), await changePassword(done));
  }
  if (account.limited === "second_factor") {
    return fill(place, h("div", { class: "head" }, h("h1", null, "请先绑定动态口令")),
      h("p", { class: "finding note" }, "教育行政部门的账号登录时，除密码外还须输入手机上的动态口令。绑定之后才能办理业务。"),
      action("绑定动态口令", () => bind(done), { class: "primary" }));
  }
  const list = h("div", { class: "card" });
  const contacts = h("div", { class: "card" });
  fill(place, h("div", { class: "head" }, h("h1", null, "本人账号")),
    h("div", { class: "card" }, facts([["用户名", h("code", null, account.username)], ["姓名", account.name], ["单位代码", account.organisation],
      ["角色", account.roles.map((role) => ROLES[role]).join("、") || "—"], ["尚不能使用的角色", account.withheld.map((role) => ROLES[role]).join("、")],
      ["班级", account.classes.join("、")]]),
    h("div", { class: "row" }, action("绑定或更换动态口令", () => bind(done)))),
    h("h2", null, "消息提醒"), contacts, await changePassword(done), h("h2", null, "登录会话"), list);
  return Promise.all([contactsCard(contacts), sessionsOf(list, id)]);
}
