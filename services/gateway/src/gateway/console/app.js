// Signing in, the frame, and which page an address means.
import { action, api, empty, fill, h, session, showProblem, toast } from "./core.js";
import { notices } from "./notices.js";
import { rosterPage, rostersPage } from "./rosters.js";
import { students } from "./students.js";
import { ROLES, STEPS } from "./words.js";
import { work } from "./work.js";

const main = document.getElementById("main");
const top_ = document.getElementById("top");
const ROUTES = [
  [/^#\/rosters$/, rostersPage], [/^#\/rosters\/([\w-]+)$/, rosterPage], [/^#\/work$/, work],
  [/^#\/students(?:\/([\w-]+))?$/, students], [/^#\/notices$/, notices],
];
let leaving = new AbortController();
let unread;

const home = () => (session.has("registrar") ? "#/rosters" : session.has(...STEPS.map((s) => s.role)) ? "#/work" : "#/students");

function signIn() {
  top_.hidden = true;
  const field = (name, label, more) => h("label", { class: "field" }, h("span", null, label), h("input", { name, required: true, ...more }));
  const error = h("p", { class: "error", role: "alert" });
  const form = h("form", { class: "card login", onsubmit: async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    error.textContent = "";
    try {
      session.set(await api("/v1/sessions", { method: "POST", body: Object.fromEntries(new FormData(form)) }));
      if (!location.hash || location.hash === "#/") location.hash = home();
      await show();
    } catch (problem) {
      error.textContent = problem.message;
    } finally {
      button.disabled = false;
    }
  } },
  h("img", { src: "/console/icon.svg", alt: "", width: 44, height: 44 }), h("h1", null, "学籍管理"),
  h("p", { class: "muted" }, "义务教育学生学籍信息管理"),
  field("username", "用户名", { autocomplete: "username", autofocus: true }),
  field("password", "密码", { type: "password", autocomplete: "current-password" }),
  error, h("button", { class: "primary wide" }, "登录"));
  fill(main, form);
  form.querySelector("input").focus();
}

function signOut() {
  session.set(null);
  leaving.abort();
  signIn();
}

async function frame() {
  const { account } = session.get();
  const links = [
    session.has("registrar", "principal", "class_teacher", "authority_officer") && ["#/rosters", "名册"],
    session.has(...STEPS.map((s) => s.role)) && ["#/work", "待办"],
    ["#/students", "学生"], ["#/notices", "消息"],
  ].filter(Boolean);
  unread = h("span", { class: "count", hidden: true });
  const place = h("span", { class: "muted" }, account.organisation);
  fill(top_, 
    h("a", { class: "brand", href: home() }, h("img", { src: "/console/icon.svg", alt: "", width: 26, height: 26 }), "学籍管理"),
    h("nav", { "aria-label": "主导航" }, links.map(([href, name]) => h("a", { href }, name, href === "#/notices" && unread))),
    h("div", { class: "who" }, h("div", null, h("b", null, account.name), ` ${account.roles.map((role) => ROLES[role]).join("、")}`, h("br"), place),
      action("退出", signOut, { class: "quiet" })));
  top_.hidden = false;
  refreshUnread();
  try {
    const { items } = await api("/v1/organisations?limit=200");
    place.textContent = items.find((found) => found.code === account.organisation)?.name ?? account.organisation;
  } catch { /* the code stays */ }
}

async function refreshUnread() {
  if (!session.get()) return;
  try {
    const { unread: count } = await api("/v1/notices?unread=true&limit=1");
    unread.hidden = !count;
    unread.textContent = count > 99 ? "99+" : count;
    unread.setAttribute("aria-label", `${count} 条未读`);
  } catch { /* next time */ }
}

async function show() {
  leaving.abort();
  leaving = new AbortController();
  if (!session.get()) return signIn();
  if (top_.hidden) frame();
  const address = location.hash || home();
  const [pattern, page] = ROUTES.find(([p]) => p.test(address)) ?? [];
  if (!page) return location.replace(home());
  for (const link of top_.querySelectorAll("nav a")) {
    link.toggleAttribute("aria-current", address.startsWith(link.getAttribute("href")));
  }
  const place = h("div", { class: "page" });
  fill(main, place);
  scrollTo(0, 0);
  try {
    await page(place, { id: pattern.exec(address)[1], signal: leaving.signal });
  } catch (error) {
    if (leaving.signal.aborted || !session.get()) return undefined;
    showProblem(error);
    fill(place, empty(error.message));
  }
  return undefined;
}

addEventListener("hashchange", show);
addEventListener("notices-read", refreshUnread);
addEventListener("signed-out", () => { toast("登录已失效，请重新登录。", "bad"); signOut(); });
setInterval(() => document.visibilityState === "visible" && refreshUnread(), 30_000);
show();
