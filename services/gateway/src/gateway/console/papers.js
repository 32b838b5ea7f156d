// Files that prove something: chosen in a dialog, uploaded one by one with its sending, given to a case by their ids.
import { action, api, badge, download, h, newKey, upload } from "./core.js";

const ACCEPT = ".pdf,.jpg,.jpeg,.png";

// A field for files and what uploads them. A file that is up already is not sent again when sending is repeated.
export function papers(label, required = false) {
  const input = h("input", { type: "file", accept: ACCEPT, multiple: true });
  const bar = h("progress", { max: 1, value: 0, hidden: true });
  const kept = new Map();
  const send = async () => {
    const found = [];
    for (const file of input.files) {
      if (!kept.has(file)) {
        bar.hidden = false;
        const key = newKey();
        let one = await upload("/v1/evidence-files", file, key, (share) => { bar.value = share; });
        if (one.scan === "pending") one = await api(`/v1/evidence-files/${one.id}`);
        kept.set(file, one.id);
      }
      found.push({ evidence_id: kept.get(file) });
    }
    bar.hidden = true;
    return found;
  };
  return { field: h("label", { class: "field" }, h("span", null, label, required && h("b", null, " *")), input, bar, h("small", { class: "muted" }, "PDF、JPEG 或 PNG，可选多个")), send };
}

// Papers that were given stay: a correction adds further ones and names those that are taken off, none behind an approval.
export const takenOff = (old, titles) => old?.evidence.length > 0 && !old.timeline.some((s) => s.decision === "approve") && { name: "taken_off", label: "撤下的已有材料（不选则保留）", type: "checks", value: [],
  options: old.evidence.map((one, n) => [one.evidence_id, `第 ${n + 1} 份：${titles[one.kind] ?? "其他材料"}`]) };

export const paperList = (evidence) => evidence.length > 0 && h("div", { class: "row" }, evidence.map((one) =>
  action(one.name, () => download(`/v1/evidence-files/${one.id}/content`))));

const ACTS = { approve: "同意", reject: "不同意", return: "退回补正", resubmit: "补正后重新提交", withdraw: "撤回", reroute: "转由其他部门办理", reinstate: "恢复" };
export const stepList = (steps) => steps.length > 0 && [h("h2", null, "经过"), h("ol", { class: "card journal" }, steps.map((s) => h("li", null, h("b", null, ACTS[s.decision] ?? s.decision),
  h("div", { class: "muted" }, `${s.account_name}，${new Date(s.decided_at).toLocaleString("zh-CN", { dateStyle: "medium", timeStyle: "short", timeZone: "Asia/Shanghai" })}`), s.reason && h("div", null, s.reason))))];

export const stateBadge = (states, state) => badge(...(states[state] ?? [state]));
