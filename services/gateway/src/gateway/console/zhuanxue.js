// For guardians, without an account: where a transfer stands, by its number and the last four digits of their phone.
import { api, badge, facts, field, fill, h, told, when } from "./core.js";

const KINDS = { open: "warn", returned: "warn", moving: "warn", completed: "good", needs_attention: "warn", rejected: "bad", withdrawn: "", expired: "bad" };
const result = h("div", { "aria-live": "polite" });

fill(document.getElementById("main"), h("div", { class: "page" },
  h("div", { class: "head" }, h("div", null, h("h1", null, "转学进度查询"), h("p", { class: "muted" }, "输入学校告知的办理编号和登记的监护人手机号后四位。办理转学不收取任何费用。"))),
  h("form", { class: "filters", onsubmit: (event) => { event.preventDefault(); look(Object.fromEntries(new FormData(event.target))); } },
    field({ name: "number", label: "办理编号", required: true, grow: true, pattern: "[Zz][Xx]\\d{14}", maxlength: 16, placeholder: "ZX20260123456789", autocomplete: "off" }),
    field({ name: "digits", label: "手机号后四位", required: true, pattern: "\\d{4}", maxlength: 4, inputmode: "numeric", autocomplete: "off" }), h("button", { class: "primary" }, "查询")), result));

async function look(body) {
  try {
    const t = await api("/v1/transfers/tracking", { method: "POST", body });
    fill(result, h("div", { class: "card" }, h("h2", null, t.number, " ", badge(t.state_title, KINDS[t.state])),
      facts([["转入学校", t.to_school_name], ["正在等待", t.waits_for_title], ["最晚办理日期", t.due_on], ["申请时间", when(t.opened_at)], ["办结日期", t.completed_on]]), h("p", { class: "muted" }, t.note)),
    t.steps.length > 0 && [h("h2", null, "经过"), h("ol", { class: "card journal" }, t.steps.map((s) => h("li", null, h("b", null, `${s.title}：${s.decision_title}`), h("div", { class: "muted" }, `${s.organisation_name}，${when(s.decided_at)}`), s.reason && h("div", null, s.reason))))]);
  } catch (error) {
    fill(result, h("p", { class: "error", role: "alert" }, told(error)));
  }
}
