// 录入一名学生 (15.1, 14): the national form by hand, checked as often as one likes, sent when nothing stands against it.
import { countyField } from "./choosing.js";
import { action, api, ask, codes, empty, field, fill, finding, h, newKey, showProblem, toast } from "./core.js";
import { session } from "./session.js";

const RESIDENT = "1"; // 居民身份证
const MAINLAND = ["1", "2"];
const SAME = ["postal_address", "home_address"]; // often the current address once more
const STARTS = { document_kind: RESIDENT, nationality: "CHN", overseas: "00" };

export async function registrationPage(place) {
  const [{ sections }, tables] = await Promise.all([api("/v1/registrations/form"), codes()]);
  const said = new Map(); // by field: where its findings stand
  const inputs = new Map();
  const head = h("div", { "aria-live": "polite" });
  const sending = h("div", { class: "row end" });
  let checked = null; // what the last check was about: nothing else is sent
  let key = newKey();

  const one = (item) => {
    const about = h("div", { class: "said", id: `said-${item.key}` });
    said.set(item.key, about);
    const spec = control(item, tables);
    const label = `${item.no ? `${item.no} ` : ""}${item.title}`;
    const made = field({ ...spec, label, required: item.required === "yes" || item.required === "document", hint: hint(item), after: [spec.after, about].flat(Infinity).filter(Boolean) });
    const input = made.querySelector("[name]");
    input.setAttribute("aria-describedby", about.id);
    input.required = false; // all that is missing is told at once, with what to do about it
    inputs.set(item.key, input);
    return made;
  };
  const form = h("form", { class: "national", novalidate: true, onsubmit: (event) => { event.preventDefault(); } },
    sections.map((section) => h("fieldset", { class: "card" }, h("legend", null, section.title), h("div", { class: "fields" }, section.fields.map(one)),
      section.fields.some((item) => SAME.includes(item.key)) && action("通信地址、家庭地址与现住址相同", () => { for (const name of SAME) inputs.get(name).value = inputs.get("current_address").value; change(); }, { class: "quiet" }))));
  const values = () => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));

  function change() { checked = null; fill(sending, check); }
  form.addEventListener("input", change);
  inputs.get("document_number").addEventListener("change", () => fromNumber(inputs));

  const check = action("检查", async () => {
    const given = values();
    if (!Object.keys(given).length) { toast("还没有填写。", "bad"); return; }
    const { decision } = await api("/v1/registrations/prechecks", { method: "POST", body: { form: given } });
    show(decision.findings);
    const against = decision.findings.filter((f) => f.outcome === "refuse");
    if (!against.length) { checked = JSON.stringify(given); fill(sending, check, send); send.focus(); }
    else first(against)?.focus();
  }, { class: "primary" });

  const send = action("提交建籍", async () => {
    const given = values();
    if (checked !== JSON.stringify(given)) { change(); return; }
    const sure = await ask({ title: `提交：${given.name}`, confirm: "提交", text: "提交后由班主任、主管校长依次审核，监护人签字确认后报主管部门核准。",
      body: [...head.querySelectorAll(".finding")].map((node) => node.cloneNode(true)), send: () => api("/v1/registrations", { method: "POST", body: { form: given }, headers: { "Idempotency-Key": key } }) });
    if (sure) { key = newKey(); done(place, sure); }
  }, { class: "primary" });

  // Each finding beside its fields; what is about none of them, and how many there are, on top.
  function show(findings) {
    const told = findings.filter((f) => f.outcome !== "pass");
    for (const [name, about] of said) {
      const own = told.filter((f) => f.fields?.includes(name));
      fill(about, own.map(finding));
      if (own.some((f) => f.outcome === "refuse")) inputs.get(name).setAttribute("aria-invalid", "true");
      else inputs.get(name).removeAttribute("aria-invalid");
    }
    const refused = told.filter((f) => f.outcome === "refuse");
    const general = told.filter((f) => !f.fields?.some((name) => said.has(name)));
    const notes = told.filter((f) => f.outcome !== "refuse" && !general.includes(f));
    fill(head, refused.length ? h("p", { class: "finding refuse" }, `有 ${refused.length} 处需要更正，已标在相应的项目旁。`) : h("p", { class: "finding pass" }, "检查通过，可以提交。还没有保存任何内容。"), general.map(finding), !refused.length && notes.map(finding));
    head.scrollIntoView({ block: "nearest" });
  }
  const first = (findings) => [...inputs].find(([name]) => findings.some((f) => f.fields?.includes(name)))?.[1];

  fill(place, h("div", { class: "head" }, h("div", null, h("h1", null, "录入一名学生"), h("p", { class: "muted" }, "按《学生基本信息表》填写，带 * 的必填。先检查，检查不保存；与名册导入的规则相同。多名学生请用名册。")), h("a", { class: "button", href: "#/rosters" }, "返回名册")),
    head, form, sending);
  change();
  if (!session.has("registrar")) fill(place, empty("由学籍管理员录入。"));
}

const hint = (item) => [item.required === "mainland" || item.required === "document" || item.need.includes("：") ? item.need : "", ["code", "grade", "date"].includes(item.kind) || item.how.startsWith("不超过") ? "" : item.how].filter(Boolean).join("；") || null;

// What is typed or chosen, by what the item takes.
function control(item, tables) {
  const name = item.key;
  const common = { name, maxlength: item.max, autocomplete: "off" };
  if (item.kind === "code") return { name, value: STARTS[name] ?? "", options: [["", "请选择"], ...tables.offered(item.table).map((entry) => [entry.code, entry.name])] };
  if (item.kind === "grade") return { name, options: [["", "请选择"], ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [String(n), `${n}年级`])] };
  if (item.kind === "division") return countyField({ name, free: true });
  if (item.kind === "date") return { name, type: "date" };
  if (item.kind === "month") return { ...common, inputmode: "numeric", placeholder: "如 202609" };
  if (item.kind === "phone") return { ...common, type: "tel" };
  if (item.kind === "email") return { ...common, type: "email" };
  if (item.kind === "number" || item.kind === "class" || item.kind === "postcode") return { ...common, inputmode: "decimal" };
  return common;
}

// A resident's number says the birth date and the sex; what was written already stays.
function fromNumber(inputs) {
  const [, born, order] = /^\d{6}(\d{8})\d{2}(\d)[\dXx]$/.exec(inputs.get("document_number").value.trim()) ?? [];
  if (!born || !MAINLAND.includes(inputs.get("document_kind").value)) return;
  const birth = inputs.get("birth_date"), sex = inputs.get("sex");
  if (!birth.value) birth.value = born.replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");
  if (!sex.value) sex.value = Number(order) % 2 ? "1" : "2";
}

function done(place, made) {
  toast(`已录入：${made.name}。`);
  fill(place, h("div", { class: "head" }, h("h1", null, "已录入")),
    h("div", { class: "card" }, h("p", null, h("b", null, made.name), "的建籍信息已经提交，等待班主任审核。"),
      (made.decision?.findings ?? []).filter((f) => f.outcome !== "pass").map(finding),
      h("div", { class: "row" }, action("再录入一名", () => registrationPage(place).catch(showProblem), { class: "primary" }), h("a", { class: "button", href: "#/work" }, "查看建籍进展"))));
}
