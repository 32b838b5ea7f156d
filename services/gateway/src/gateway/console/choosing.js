// Fields that take a code which nobody knows by heart: schools, authorities and counties are found by a part of their name.
// The field holds the code, as the API wants it; whoever knows the code may type it.
import { api, codes, h, newKey, query } from "./core.js";

const SCHOOL = { pattern: "\\d{10}", title: "输入学校名称的一部分，从列表中选择；或填写10位学校标识码", kind: "school" };
const AUTHORITY = { pattern: "\\d{6}", title: "输入部门名称的一部分，从列表中选择；或填写6位代码", fits: (one) => one.kind !== "school" };
const ORGANISATION = { pattern: "\\d{6}|\\d{10}", title: "输入名称的一部分，从列表中选择；或填写代码" };
const COUNTY = { pattern: "\\d{6}", title: "输入县（市、区）名称，从列表中选择；或填写6位行政区划代码" };
const PAUSE = 250; // ms after the last key
const MOST = 20;

async function organisations(text, { kind, fits = () => true }) {
  const { items } = await api(`/v1/organisations${query({ q: text, kind, limit: MOST })}`);
  return items.filter(fits).map((one) => [one.code, one.name]);
}
const organisation = async (code) => (await api(`/v1/organisations/${code}`)).organisation.name;

async function counties(text) {
  const { counties: all } = await codes();
  return all.filter(([, name]) => name.includes(text)).slice(0, MOST);
}
const county = async (code) => (await codes()).counties.find(([one]) => one === code)?.[1];

const complete = (kind, text) => new RegExp(`^(?:${kind.pattern})$`).test(text);

// The list that follows what is typed, and the place that says whose code it is. `taken`: a code was chosen.
function following(input, kind, search, look, taken = () => {}) {
  const list = h("datalist", { id: `found-${newKey()}` });
  const note = h("small", { class: "muted", "aria-live": "polite" });
  input.setAttribute("list", list.id);
  let timer;
  let found = [];
  const say = async () => {
    const text = input.value.trim();
    if (complete(kind, text)) {
      const name = await look(text).catch(() => null);
      if (input.value.trim() === text) { note.textContent = name ?? "没有这个代码"; taken(text, name); }
      return;
    }
    note.textContent = "";
    if (text.length < 2 || /^\d+$/.test(text)) return;
    found = await search(text, kind).catch(() => []);
    if (input.value.trim() !== text) return;
    list.replaceChildren(...found.map(([code, name]) => h("option", { value: code }, `${name}（${code}）`)));
    note.textContent = found.length ? "" : "没有找到，请换一个词";
  };
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(say, complete(kind, input.value.trim()) ? 0 : PAUSE); });
  input.addEventListener("change", () => { // a name that means one only is that one
    if (complete(kind, input.value.trim()) || found.length !== 1 || !input.value.trim() || !found[0][1].includes(input.value.trim())) return;
    [[input.value]] = found;
    say();
  });
  if (input.value) say();
  return [list, note];
}

// `free`: what is on no list may stand there, too; `props`: further attributes of the input.
function one(kind, search, look, { name, required, value = "", free = false, props, ...more }) {
  const rule = free ? {} : { pattern: kind.pattern, title: kind.title };
  const input = h("input", { name, required, value, ...rule, maxlength: 100, autocomplete: "off", placeholder: "名称或代码", ...props });
  return { name, required, ...more, control: input, after: following(input, kind, search, look) };
}

export const school = (spec) => one(SCHOOL, organisations, organisation, spec);
export const authority = (spec) => one(AUTHORITY, organisations, organisation, spec);
export const anyOrganisation = (spec) => one(ORGANISATION, organisations, organisation, spec);
export const countyField = (spec) => one(COUNTY, counties, county, spec);

// Several: each that is found is added to the line of codes, and named below it.
function many(kind, { name, label, required, value = "", hint, maxlength }) {
  const codesOf = () => input.value.split(/[\s,，、；;]+/).filter(Boolean);
  const input = h("input", { name, required, value, maxlength, autocomplete: "off", placeholder: "代码，用空格隔开" });
  const names = h("small", { class: "muted", "aria-live": "polite" });
  const known = new Map();
  const tell = () => { names.textContent = codesOf().map((code) => known.get(code) ?? code).join("、"); };
  const finder = h("input", { type: "search", "aria-label": `按名称查找并加入：${label}`, placeholder: "按名称查找并加入", autocomplete: "off", maxlength: 60 });
  const found = following(finder, kind, organisations, organisation, (code, text) => {
    if (!text) return;
    known.set(code, text);
    if (!codesOf().includes(code)) input.value = [...codesOf(), code].join(" ");
    finder.value = "";
    tell();
  });
  input.addEventListener("input", tell);
  return { name, label, required, hint, control: input, after: [finder, found, names] };
}
export const schools = (spec) => many(SCHOOL, spec);
export const authorities = (spec) => many(AUTHORITY, spec);
