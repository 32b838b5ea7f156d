// 逾期环节 (24.6.4): who has overdue steps of transfers, the most first; narrowed from city to county to organisation to case.
import { bars } from "./bars.js";
import { api, badge, empty, fill, filters, h, paged, query, table } from "./core.js";
import { session } from "./session.js";

const BY = { city: "按市（地）", county: "按县（市、区）", organisation: "按学校和部门" };
const NEXT = { city: "county", county: "organisation" };
const SERIES = [["现在逾期", "now-late"], ["已办但逾期", "was-late"]];

// The address says what is looked at, so that the way back leads back: `county.230100.2026-05-01`.
const address = (what, code, since) => `#/late-steps/${[what, code, since].filter(Boolean).join(".")}`;
const tier = (code) => (code.endsWith("0000") ? "city" : code.endsWith("00") ? "county" : "organisation");

export async function lateStepsPage(place, { id }) {
  const [what, code, since] = id?.split(".") ?? [];
  if (what === "of" && code) return casesPage(place, code, since);
  const own = session.get().account.organisation;
  return tablePage(place, BY[what] ? what : tier(own), code || own, since);
}

async function tablePage(place, by, within, since) {
  const own = session.get().account.organisation;
  const [found, { items: cities }] = await Promise.all([api(`/v1/transfer-reports/late-steps${query({ by, within, since })}`), api("/v1/transfer-reports")]);
  const to = (one) => (NEXT[by] && one.organisation !== within ? address(NEXT[by], one.organisation, found.since) : address("of", one.organisation, found.since));
  const places = [[own, "全部所辖"], ...(cities.length > 1 ? cities.map((one) => [one.city, one.city_name]) : [])];
  if (!places.some(([one]) => one === within)) places.push([within, found.within_name]);
  const form = filters([
    { name: "within", label: "范围", options: places, value: within }, { name: "by", label: "汇总", options: Object.entries(BY), value: by },
    { name: "since", label: "已办结的自", type: "date", value: found.since, required: true }], async () => {
    const given = form.values();
    location.hash = address(given.by, given.within, given.since);
  }, "查看");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, `逾期的转学环节：${found.within_name}`), h("p", { class: "muted" }, `每个环节不超过 10 个工作日。现在逾期：等待办理而期限已过；已办但逾期：${found.since} 以来在期限之后办结。`)), within !== own && h("a", { class: "button", href: "#/late-steps" }, "返回全部")),
    form,
    found.items.length ? [
      h("div", { class: "card" }, bars(`${BY[by]}，逾期多的在前`, SERIES, found.items.map((one) => ({ name: one.organisation_name, href: to(one), values: [one.now, one.decided_late], text: one.worst ? `最长超过 ${one.worst} 个工作日` : "" })))),
      h("div", { class: "card" }, table(["名次", "单位", "现在逾期", "最长超过", "已办但逾期"], found.items.map((one, i) => [
        i + 1, h("a", { href: to(one) }, one.organisation_name), one.now ? badge(`${one.now} 件`, "bad") : "0", one.worst ? `${one.worst} 个工作日` : "—", one.decided_late]), "逾期环节"),
      found.left_off > 0 && h("p", { class: "muted" }, `另有 ${found.left_off} 个单位，请缩小范围查看。`))] : h("div", { class: "card" }, empty("没有逾期的环节。")));
}

async function casesPage(place, code, since) {
  const list = h("div", { class: "card" });
  const path = `/v1/transfer-reports/late-steps/${code}`;
  const { totals, since: from } = await api(`${path}${query({ since, limit: 1 })}`);
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, `逾期环节：${totals.organisation_name}`), h("p", { class: "muted" }, `现在逾期 ${totals.now} 件，${from} 以来逾期办结 ${totals.decided_late} 件。`)), h("a", { class: "button", href: "#/late-steps" }, "返回")), list);
  await paged(list, (cursor) => api(`${path}${query({ since: from, cursor, limit: 50 })}`), (items) => table(["转学", "环节", "从", "到", "期限", "办结", "超过"], items.map((one) => [
    h("a", { href: `#/transfers/${one.transfer_id}` }, one.number), one.step_title, one.from_school_name, one.to_school_name, one.due_on, one.decided_on ?? badge("等待办理", "bad"), `${one.days} 个工作日`]), "逾期的环节"), "没有逾期的环节。");
}
