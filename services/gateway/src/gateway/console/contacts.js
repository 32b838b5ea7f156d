// By which way notices come to this account, and which; what was sent. For administrators: webhooks of the organisation's systems.
import { action, api, ask, badge, fill, h, paged, query, showOnce, showProblem, table, toast, when } from "./core.js";
import { session } from "./session.js";

export const CHANNELS = { email: "电子邮件", sms: "短信", webhook: "接口推送" };
export const TOPICS = { work: "新的待办", reminder: "催办和督办", result: "办理结果和其他" };
export const DELIVERIES = { waiting: ["待发送", "warn"], sent: ["已发送", "good"], given_up: ["多次失败，已停止", "bad"], dropped: ["不再发送", ""] };
const ADDRESS = { email: { label: "电子邮箱", type: "email", maxlength: 254 }, sms: { label: "手机号", type: "tel", pattern: "1[3-9][0-9]{9}", maxlength: 11 } };
const topics = Object.entries(TOPICS);

async function confirm(channel) {
  return ask({ title: `验证${CHANNELS[channel]}`, confirm: "验证", text: "验证码已发送，10 分钟内有效。", fields: [
    { name: "code", label: "6 位验证码", required: true, inputmode: "numeric", autocomplete: "one-time-code", pattern: "[0-9]{6}", maxlength: 6 }],
  send: (body) => api(`/v1/contacts/${channel}/confirmation`, { method: "POST", body }) });
}

async function register(channel) {
  const set = await ask({ title: `登记${CHANNELS[channel]}`, confirm: "发送验证码", text: "只用于本系统的消息提醒；提醒中不含学生信息。", fields: [{ name: "address", required: true, ...ADDRESS[channel] }],
    send: ({ address }) => api("/v1/contacts", { method: "POST", body: { channel, address: address.trim() } }) });
  if (set && await confirm(channel)) toast("已验证，以后的消息会发到这里。");
}

export async function contactsCard(place) {
  const load = async () => {
    const { items, offered } = await api("/v1/contacts");
    const row = (channel) => {
      const own = items.find((one) => one.channel === channel);
      return [CHANNELS[channel], own ? h("div", null, own.address, " ", badge(own.verified ? "已验证" : "未验证", own.verified ? "good" : "warn")) : "—",
        own ? own.topics.map((topic) => TOPICS[topic]).join("、") || "已关闭" : "—",
        h("div", { class: "row" }, own && !own.verified && action("填验证码", async () => { await confirm(channel); await load(); }),
          action(own ? "更换" : "登记", async () => { await register(channel); await load(); }, { class: own ? "" : "primary" }),
          own && action("选择消息", async () => {
            const chosen = await ask({ title: `${CHANNELS[channel]}接收哪些消息`, confirm: "保存", fields: [{ name: "topics", label: "消息", type: "checks", value: own.topics, options: topics, hint: "一个也不选即不再发送" }],
              send: (body) => api(`/v1/contacts/${channel}/topics`, { method: "POST", body }) });
            if (chosen) await load();
          }),
          own && action("删除", async () => { await api(`/v1/contacts/${channel}`, { method: "DELETE" }); await load(); }, { class: "danger quiet" }))];
    };
    fill(place, offered.length ? table(["渠道", "地址", "接收", ""], offered.map(row), "消息提醒") : h("p", { class: "empty" }, "本系统没有开通邮件和短信提醒，消息请在系统内查看。"),
      h("div", { class: "row" }, h("a", { class: "button", href: "#/deliveries" }, "发送记录")));
  };
  await load();
}

export async function deliveriesPage(place) {
  const list = h("div", { class: "card" });
  const load = () => paged(list, (cursor) => api(`/v1/deliveries${query({ to: to?.value, state: state.value, cursor, limit: 50 })}`), (items) => table(
    ["时间", "渠道", "发往", "内容", "状态"], items.map((one) => [when(one.created_at), CHANNELS[one.channel], one.to, h("div", null, one.title, h("div", { class: "muted" }, `模板 ${one.template}`)),
      h("div", null, badge(...DELIVERIES[one.state]), one.tries > 1 && ` 第 ${one.tries} 次`, one.problem && h("div", { class: "muted" }, one.problem), one.next_try_at && h("div", { class: "muted" }, `下次：${when(one.next_try_at)}`))]), "发送记录"), "没有发送记录。");
  const state = h("select", { "aria-label": "状态", onchange: () => load().catch(showProblem) }, [["", "全部状态"], ...Object.entries(DELIVERIES).map(([key, [text]]) => [key, text])].map(([value, text]) => h("option", { value }, text)));
  const to = session.has("registrar", "principal") && h("select", { "aria-label": "发给谁", onchange: () => load().catch(showProblem) },
    [["account", "发给我的"], ["guardians", "本校发给监护人的"]].map(([value, text]) => h("option", { value }, text)));
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "发送记录"), h("p", { class: "muted" }, "邮件和短信在 22:00 至 7:00 之间不发送；发送失败的会自动重试，近一天后停止。")), h("div", { class: "row" }, to, state)), list);
  return load();
}

export async function webhooksPage(place) {
  const list = h("div", { class: "card" });
  const secret = ({ webhook, secret: text }) => showOnce({ title: "签名密钥", lines: [webhook.url, text], text: "密钥只显示这一次，请交给接收系统的管理人员，用于核对 webhook-signature。" });
  const load = () => paged(list, (cursor) => api(`/v1/webhooks${query({ cursor, limit: 50 })}`), (items) => table(
    ["接收网址", "消息", "登记", "状态", ""], items.map((one) => [h("code", { class: "id" }, one.url), one.topics.map((topic) => TOPICS[topic]).join("、"), h("div", null, one.created_by, h("div", { class: "muted" }, when(one.created_at))),
      one.ended_at ? badge("已停止", "") : one.failing_since ? badge(`自 ${when(one.failing_since)} 起发送失败`, "bad") : badge("正常", "good"),
      !one.ended_at && h("div", { class: "row" }, action("换密钥", async () => {
        if (await ask({ title: "更换签名密钥？", text: "旧密钥立即失效，接收系统须换用新密钥。", confirm: "更换" })) await secret(await api(`/v1/webhooks/${one.id}/secret`, { method: "POST" }));
      }), action("停止", async () => {
        if (!await ask({ title: "停止接口推送？", text: "停止后不能恢复，需要时可重新登记。", confirm: "停止", danger: true })) return;
        await api(`/v1/webhooks/${one.id}`, { method: "DELETE" });
        await load();
      }, { class: "danger quiet" }))]), "接口推送"), "还没有接口推送。");
  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "接口推送"), h("p", { class: "muted" }, "本单位的消息推送给其他系统（Standard Webhooks，HMAC-SHA256 签名），不含学生信息。")),
    h("div", { class: "row" }, h("a", { class: "button", href: "#/clients" }, "接口用户"), h("a", { class: "button", href: "#/deliveries" }, "发送记录"), session.has("account_admin") && action("登记接口推送", async () => {
      const made = await ask({ title: "登记接口推送", confirm: "登记", fields: [
        { name: "url", label: "接收网址", type: "url", required: true, maxlength: 500, placeholder: "https://" },
        { name: "topics", label: "推送哪些消息", type: "checks", value: Object.keys(TOPICS), options: topics }], send: (body) => api("/v1/webhooks", { method: "POST", body }) });
      if (made) { await secret(made); await load(); }
    }, { class: "primary" }))), list);
  return load();
}
