// Registrars of the schools (clause 43): who is appointed, who is trained, how much each has to do.
import { action, api, ask, badge, fill, h, paged, query, table, toast, today, when } from "./core.js";
import { session } from "./session.js";
import { schoolYear } from "./words.js";

const overviews = () => session.has("authority_officer", "leader", "account_admin");
const appoints = () => session.has("principal", "authority_officer", "account_admin");
const thisYear = () => { const [year, month] = today().split("-").map(Number); return month >= 8 ? year : year - 1; };

export async function registrarsPage(place, { id }) {
  if (id) return schoolPage(place, id);
  if (!overviews()) return schoolPage(place, session.get().account.organisation);
  const missing = h("div", { class: "card" });
  const all = h("div", { class: "card" });
  fill(place, h("div", { class: "head" }, h("h1", null, "学籍管理员")),
    h("h2", null, "没有经过培训的学籍管理员在岗的学校"), missing, h("h2", null, "全部学校"), all);
  const schools = (list, untrained, none) => paged(list, (cursor) => api(`/v1/registrars${query({ untrained, cursor, limit: 50 })}`), (items) =>
    table(["学校", "学籍管理员", "在校生", "在办建籍"], items.map((s) => [
      h("a", { href: `#/registrars/${s.school}` }, s.name), s.trained ? s.registrars.join("、") : badge("无", "bad"), s.pupils ?? "—", s.open_registrations ?? "—",
    ]), "学校"), none);
  return Promise.all([schools(missing, "true", "各校都有经过培训的学籍管理员在岗。"), schools(all, "", "没有学校。")]);
}

async function schoolPage(place, school) {
  const { organisation } = await api(`/v1/organisations/${school}`);
  const list = h("div", { class: "card" });
  let shown = [];
  const load = () => paged(list, (cursor) => api(`/v1/appointments${query({ school, cursor, limit: 50 })}`), (items) => {
    shown = items;
    return table(["学籍管理员", "学年", "任期", "培训", "登记", ""], items.map((a) => [
      h("div", null, a.name, h("div", { class: "muted" }, a.username)), schoolYear(a.school_year),
      h("div", null, a.ended_on ? `${a.begins_on} 起，${a.ended_on} 终止` : `${a.begins_on} 至 ${a.ends_on}`, " ", current(a) && badge("在岗", "good"), a.end_reason && h("div", { class: "muted" }, a.end_reason)),
      h("div", null, `${a.training.title}，${a.training.completed_on}`, h("div", { class: "muted" }, [a.training.organiser, a.training.certificate].filter(Boolean).join("，"))),
      h("div", null, when(a.appointed_at), h("div", { class: "muted" }, a.appointed_by)),
      appoints() && current(a) && action("终止", () => end(a, load), { class: "danger quiet" }),
    ]), "任用");
  }, "还没有任用登记。先培训后上岗：登记之前，学籍管理员账号不能办理业务。");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "学籍管理员任用"), h("p", { class: "muted" }, organisation.name)),
    h("div", { class: "row" }, overviews() && h("a", { class: "button", href: "#/registrars" }, "返回各校"),
      appoints() && action("登记任用", async () => { if (await appoint(organisation, shown.filter(current))) await load(); }, { class: "primary" }))), list);
  return load();
}

const current = (a) => a.begins_on <= today() && a.ends_on >= today() && (!a.ended_on || today() < a.ended_on); // `ended_on`: the first day without
const override = { name: "override_reason", label: "学年中途确有必要的理由（由主管部门填写）", type: "textarea", maxlength: 500, hint: "学籍管理员应保持稳定，学年中途原则上不更换（第四十三条）" };

async function appoint(organisation, now) {
  const made = await ask({ title: `登记任用：${organisation.name}`, confirm: "登记", wide: true, fields: [
    { name: "username", label: "学籍管理员的用户名", required: true, maxlength: 64, hint: "账号由账号管理员先建立" },
    { name: "school_year", label: "学年", options: [0, 1].map((n) => [String(thisYear() + n), schoolYear(thisYear() + n)]) },
    { name: "begins_on", label: "任用开始日期", type: "date", required: true, value: today() },
    { name: "title", label: "培训名称", required: true, maxlength: 100 },
    { name: "organiser", label: "培训组织单位", required: true, maxlength: 100 },
    { name: "completed_on", label: "培训完成日期", type: "date", required: true, max: today() },
    { name: "certificate", label: "培训证书号", maxlength: 60 },
    ...(now.length ? [{ name: "replaces", label: "接替", options: [["", "不接替"], ...now.map((a) => [a.id, a.name])] }, override] : []),
  ], send: ({ title, organiser, completed_on, certificate, school_year, replaces, ...rest }) => api("/v1/appointments", { method: "POST", body: {
    ...rest, school: organisation.code, school_year: Number(school_year), replaces: replaces || null, training: { title, organiser, completed_on, certificate } } }) });
  if (made) toast("已登记。");
  return Boolean(made);
}

async function end(a, reload) {
  const ended = await ask({ title: `终止任用：${a.name}`, confirm: "终止", danger: true, text: "终止之后，该账号不再能办理学籍业务。",
    fields: [{ name: "reason", label: "原因", type: "textarea", required: true, maxlength: 500 }, override],
    send: (body) => api(`/v1/appointments/${a.id}/end`, { method: "POST", body }) });
  if (!ended) return;
  toast("已终止。");
  await reload();
}
