// The frame around the pages, and which page an address means.
import { accountPage } from "./account.js";
import { accountsPage, clientsPage } from "./accounts.js";
import { admissionsPage } from "./admissions.js";
import { attendancePage } from "./attendance.js";
import { auditPage } from "./audit.js";
import { cancellationsPage } from "./cancellations.js";
import { classesPage } from "./classes.js";
import { deliveriesPage, webhooksPage } from "./contacts.js";
import { action, api, empty, fill, h, isMoved, showProblem, toast, today } from "./core.js";
import { correctionsPage } from "./corrections.js";
import { duplicatesPage } from "./duplicates.js";
import { exportsPage } from "./exports.js";
import { handoversPage } from "./handover.js";
import { inspectionPage } from "./inspection.js";
import { juniorIntakesPage } from "./junior_intakes.js";
import { lateStepsPage } from "./late_steps.js";
import { notices } from "./notices.js";
import { plansPage, schemesPage } from "./plans.js";
import { policyPage } from "./policy.js";
import { privatePlacesPage } from "./private_places.js";
import { registrarsPage } from "./registrars.js";
import { registrationPage } from "./registration.js";
import { reorganisationsPage } from "./reorganisations.js";
import { rosterPage, rostersPage } from "./rosters.js";
import { refresh, session } from "./session.js";
import { signInPage } from "./signin.js";
import { students } from "./students.js";
import { transferReportsPage } from "./transfer_reports.js";
import { transfersPage } from "./transfers.js";
import { ROLES, STEPS } from "./words.js";
import { work } from "./work.js";
import { counted, worklistPage } from "./worklist.js";

const main = document.getElementById("main");
const top_ = document.getElementById("top");
const IDLE = 15 * 60_000; // ms without a touch, after which the page asks for nothing by itself: the session may end
const schools = ["registrar", "principal", "class_teacher", "authority_officer"];
const steps = STEPS.map((s) => s.role);
const PAGES = [
  [/^#\/rosters$/, rostersPage], [/^#\/rosters\/([\w-]+)$/, rosterPage], [/^#\/registration$/, registrationPage], [/^#\/work$/, work], [/^#\/worklist(?:\/(\w+))?$/, worklistPage], [/^#\/students(?:\/([\w-]+))?$/, students],
  [/^#\/registrars(?:\/(\d+))?$/, registrarsPage], [/^#\/accounts(?:\/([\w.-]+))?$/, accountsPage], [/^#\/clients$/, clientsPage],
  [/^#\/admissions(?:\/([\w.-]+))?$/, admissionsPage],
  [/^#\/exports(?:\/([\w-]+))?$/, exportsPage], [/^#\/classes(?:\/([\w-]+))?$/, classesPage],
  [/^#\/attendance(?:\/([\w-]+))?$/, attendancePage],
  [/^#\/archive-handovers(?:\/([\w-]+))?$/, handoversPage],
  [/^#\/inspection(?:\/([\w.-]+))?$/, inspectionPage],
  [/^#\/duplicates(?:\/([\w-]+))?$/, duplicatesPage], [/^#\/corrections(?:\/([\w-]+))?$/, correctionsPage], [/^#\/cancellations(?:\/([\w-]+))?$/, cancellationsPage],
  [/^#\/transfers(?:\/([\w-]+))?$/, transfersPage], [/^#\/transfer-reports(?:\/([\w.]+))?$/, transferReportsPage], [/^#\/late-steps(?:\/([\w.-]+))?$/, lateStepsPage],
  [/^#\/plans(?:\/([\w-]+))?$/, plansPage], [/^#\/schemes(?:\/([\w-]+))?$/, schemesPage],
  [/^#\/policy(?:\/(\w+))?$/, policyPage], [/^#\/private-places(?:\/([\w-]+))?$/, privatePlacesPage],
  [/^#\/reorganisations(?:\/([\w-]+))?$/, reorganisationsPage],
  [/^#\/junior-intakes(?:\/([\w-]+))?$/, juniorIntakesPage],
  [/^#\/audit(?:\/([\w.:-]+))?$/, auditPage], [/^#\/notices$/, notices], [/^#\/deliveries$/, deliveriesPage], [/^#\/webhooks$/, webhooksPage], [/^#\/account$/, accountPage],
];
// The navigation, and whom it is shown to: what a role may do is the services' to say.
const LINKS = [
  ["#/worklist", "待办", [...schools, "leader"]], ["#/rosters", "名册", schools], ["#/work", "建籍审核", steps], ["#/students", "学生", [...schools, "leader"]],
  ["#/admissions", "招生入学", ["registrar", "principal", "authority_officer", "leader"]],
  ["#/plans", "招生计划", ["registrar", "principal", "authority_officer", "leader"]],
  ["#/schemes", "民办招生方案", ["registrar", "principal", "authority_officer", "leader"]],
  ["#/classes", "班级与分班", [...schools, "leader"]],
  ["#/private-places", "民办学位", ["registrar", "principal", "authority_officer", "leader"]],
  ["#/transfers", "转学", ["registrar", "principal", "authority_officer", "leader", "auditor"]],
  ["#/transfer-reports", "转学统计", ["authority_officer", "leader", "auditor"]], ["#/late-steps", "逾期环节", ["authority_officer", "leader", "auditor"]],
  ["#/duplicates", "查重", ["registrar", "principal", "authority_officer", "leader"]],
  ["#/corrections", "更正", ["registrar", "principal", "authority_officer", "leader"]],
  ["#/cancellations", "注销", ["registrar", "principal", "authority_officer", "leader"]],
  ["#/archive-handovers", "档案移交", ["registrar", "principal", "authority_officer", "leader"]],
  ["#/registrars", "学籍管理员", ["principal", "authority_officer", "leader", "account_admin"]],
  ["#/exports", "导出", ["registrar", "principal", "authority_officer", "leader", "auditor"]],
  ["#/inspection", "核查与整改", ["registrar", "principal", "authority_officer", "leader"]],
  ["#/attendance", "就读核对", ["registrar", "principal", "authority_officer", "leader"]],
  ["#/junior-intakes", "小升初", ["authority_officer", "leader"]],
  ["#/reorganisations", "撤并与区划调整", ["authority_officer", "leader"]],
  ["#/policy", "政策参数", ["principal", "authority_officer", "leader"]],
  ["#/accounts", "账号", ["account_admin", "auditor"]], ["#/audit", "审计", ["auditor", "leader"]], ["#/notices", "消息", null],
];
// Links that are looked for together; what is in no group stands by itself.
const GROUPS = [
  ["招生", ["#/plans", "#/schemes", "#/admissions", "#/junior-intakes", "#/private-places"]],
  ["学籍", ["#/rosters", "#/work", "#/students", "#/classes", "#/transfers", "#/archive-handovers", "#/duplicates", "#/corrections", "#/cancellations"]],
  ["监管", ["#/inspection", "#/attendance", "#/transfer-reports", "#/late-steps", "#/policy", "#/reorganisations", "#/registrars", "#/exports"]],
];
let leaving = new AbortController();
let unread;
let waiting;
let touched = Date.now();

const links = () => LINKS.filter(([, , roles]) => !roles || session.has(...roles));
const HOMES = [["registrar", "#/rosters"], ["account_admin", "#/accounts"], ["auditor", "#/audit"], ["leader", "#/exports"], ...steps.map((role) => [role, "#/work"])];
const home = () => (session.get().account.limited ? "#/account" : HOMES.find(([role]) => session.has(role))?.[1] ?? links()[0][0]);

// What waits comes first; whoever has nothing to do begins with the page of the role.
async function first() {
  const limited = session.get().account.limited || !LINKS[0][2].some((role) => session.has(role));
  const waits = !limited && await counted().then(({ any }) => any, () => false);
  return waits ? "#/worklist" : home();
}

function signIn() {
  leaving.abort();
  session.set(null);
  top_.hidden = true;
  for (const open of document.querySelectorAll("dialog[open]")) open.close();
  signInPage(main, async () => {
    if (session.get().account.limited || !location.hash || location.hash === "#/") history.replaceState(null, "", await first());
    await show();
  });
}

async function signOut() {
  await api("/v1/sessions/current", { method: "DELETE" }).catch(() => {}); // it ends by itself, too
  history.replaceState(null, "", "/"); // whoever signs in next begins at the own first page
  signIn();
}

// A group of one link is that link. Groups are in the place of their first link; one is open at a time.
function navigation() {
  const link = ([href, name]) => h("a", { href }, name, href === "#/notices" && unread, href === "#/worklist" && waiting);
  const shown = links();
  const done = new Set();
  return shown.map((one) => {
    const group = GROUPS.find(([, hrefs]) => hrefs.includes(one[0]));
    if (!group) return link(one);
    if (done.has(group)) return null;
    done.add(group);
    const members = shown.filter(([href]) => group[1].includes(href));
    if (members.length === 1) return link(one);
    return h("details", { name: "nav", class: "menu" }, h("summary", null, group[0]), h("div", { class: "menu-items" }, members.map(link)));
  });
}

async function frame() {
  const { account } = session.get();
  unread = h("span", { class: "count", hidden: true });
  waiting = h("span", { class: "count", hidden: true });
  const place = h("span", { class: "muted" }, account.organisation);
  fill(top_,
    h("a", { class: "brand", href: home() }, h("img", { src: "/console/icon.svg", alt: "", width: 26, height: 26 }), "学籍管理"),
    h("nav", { "aria-label": "主导航" }, !account.limited && navigation()),
    h("div", { class: "who" }, h("a", { href: "#/account", title: "本人账号" }, h("b", null, account.name), ` ${account.roles.map((role) => ROLES[role]).join("、")}`, h("br"), place),
      action("退出", signOut, { class: "quiet" })));
  top_.hidden = false;
  if (account.limited) return;
  refreshUnread();
  try {
    const { organisation } = await api(`/v1/organisations/${account.organisation}`);
    fill(place, organisation.name, isMoved() && h("b", { title: "这是演示系统，日期可以拨动" }, ` · 演示日期 ${today()}`));
  } catch { /* the code stays */ }
}

const withheld = () => session.get().account.withheld.length > 0 && h("p", { class: "finding note" },
  "您还没有本学年的学籍管理员任用登记，学籍管理员的业务暂不能办理。请由学校或主管教育行政部门登记任用（含培训记录）。", h("span", { class: "clause" }, "第43条"));

async function refreshUnread() {
  if (!session.get() || session.get().account.limited) return;
  try {
    const { unread: count } = await api("/v1/notices?unread=true&limit=1");
    unread.hidden = !count;
    unread.textContent = count > 99 ? "99+" : count;
    unread.setAttribute("aria-label", `${count} 条未读`);
    if (!LINKS[0][2].some((role) => session.has(role))) return;
    const { rows } = await counted();
    const open = rows.overdue + rows.review + rows.returned;
    waiting.hidden = !open;
    waiting.textContent = open > 99 ? "99+" : open;
    waiting.setAttribute("aria-label", `${open} 项待办`);
  } catch { /* next time */ }
}

async function show() {
  leaving.abort();
  leaving = new AbortController();
  if (!session.get()) return signIn();
  const { account } = session.get();
  if (account.limited && location.hash !== "#/account") return location.replace("#/account");
  if (top_.hidden) frame();
  const wanted = location.hash || home();
  const [pattern, page] = PAGES.find(([p]) => p.test(wanted)) ?? [];
  if (!page) return location.replace(home());
  for (const link of top_.querySelectorAll("nav a")) {
    link.toggleAttribute("aria-current", wanted === link.getAttribute("href") || wanted.startsWith(`${link.getAttribute("href")}/`));
  }
  for (const menu of top_.querySelectorAll("nav .menu")) {
    menu.open = false;
    menu.classList.toggle("current", menu.querySelector("a[aria-current]") !== null);
  }
  const place = h("div", { class: "page" });
  fill(main, h("div", { class: "page banner" }, withheld()), place);
  scrollTo(0, 0);
  const done = async () => { top_.hidden = true; location.hash = home(); await show(); };
  try {
    await page(place, { id: pattern.exec(wanted)[1], signal: leaving.signal, done });
  } catch (error) {
    if (leaving.signal.aborted || !session.get()) return undefined;
    showProblem(error);
    fill(place, empty(error.message));
  }
  return undefined;
}

addEventListener("hashchange", () => session.get() && show());
top_.addEventListener("click", (event) => { // to where one is already: once more
  if (event.target.closest("nav a")?.getAttribute("href") === location.hash) show();
});
addEventListener("click", (event) => { // anywhere else closes the menu
  for (const menu of top_.querySelectorAll("nav .menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
// Past the menu, on the page where one is: as a link of its own it would be another address, which leads to the first page.
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
addEventListener("notices-read", refreshUnread);
addEventListener("signed-out", () => {
  if (main.querySelector("form.login")) return; // several requests found out at once
  toast("登录已结束，请重新登录。", "bad");
  signIn();
});
for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => { touched = Date.now(); }, { passive: true });
setInterval(() => document.visibilityState === "visible" && Date.now() - touched < IDLE && refreshUnread(), 30_000);
if (session.likely()) refresh().catch(showProblem).finally(show);
else show();
