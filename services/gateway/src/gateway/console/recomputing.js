// The frame of the pages where anybody, without an account, recomputes a published draw in the own browser (clauses 17,
// 24.5.4): a number is asked for, its file fetched and checked, and a child's code looked up in it.
import { badge, empty, facts, fill, h, Problem, told, when } from "./core.js";

// `title`, `text`: of the page. `label`, `example`: of the number. `address`: where its file is published. `tool`: the module
// that does the same on a command line. `verify(file)`: [[what, good], …]. `about(file, own)`: what is to be said of it:
// { number, name, note, facts, hashes, standing, more }.
export function recomputing({ title, text, label, example, address, tool, verify, about }) {
  const result = h("div", { "aria-live": "polite" });
  const number = h("input", { name: "number", maxlength: 40, placeholder: example, autocomplete: "off" });
  const code = h("input", { name: "code", maxlength: 9, placeholder: "ABCD-2345", autocomplete: "off", oninput: () => draw() });
  let file = null;
  let published = "";

  async function look(wanted) {
    if (!wanted) return;
    fill(result, empty("正在读取并计算……"));
    try {
      const answer = await fetch(address(encodeURIComponent(wanted)));
      published = await answer.text();
      if (!answer.ok) throw new Problem(JSON.parse(published), answer.status);
      file = JSON.parse(published);
      if (decodeURIComponent(location.hash.slice(1)) !== wanted) history.replaceState(null, "", `#${encodeURIComponent(wanted)}`);
      draw();
    } catch (error) {
      file = null;
      fill(result, h("p", { class: "error", role: "alert" }, error instanceof Problem ? told(error) : "无法连接服务器，请稍后重试。"));
    }
  }

  function draw() {
    if (!file) return;
    const checks = verify(file);
    const good = checks.every(([, ok]) => ok);
    const own = code.value.trim().toUpperCase();
    const said = about(file, own);
    const hashes = [...said.hashes, ["种子秘密", file.secret], ["种子", file.seed]].filter(([, value]) => value);
    fill(result,
      h("div", { class: "card" }, h("h2", null, `${said.name} `, badge(file.history.state_title, ""), badge(good ? "核对无误" : "核对不一致", good ? "good" : "bad")),
        h("ul", null, checks.map(([what, ok]) => h("li", null, ok ? "✓ " : "✗ ", what))), said.note && h("p", { class: "finding note" }, said.note), facts(said.facts),
        h("details", null, h("summary", null, "哈希与种子"), h("pre", null, hashes.map(([name, value]) => name.padEnd(11, "　") + value).join("\n"))),
        h("div", { class: "row" }, h("a", { class: "button", href: URL.createObjectURL(new Blob([published], { type: "application/json" })), download: `${said.number}.json` }, "下载公布的文件"),
          h("span", { class: "muted" }, `也可以自己计算：python -m ${tool} verify 文件`))),
      h("div", { class: "card" }, h("label", { class: "field" }, h("span", null, "孩子的编码"), code), own.length === 9 && said.standing()),
      said.more);
    if (own) code.focus();
  }

  fill(document.getElementById("main"), h("div", { class: "page" },
    h("div", { class: "head" }, h("div", null, h("h1", null, title), h("p", { class: "muted" }, text))),
    h("form", { class: "filters", onsubmit: (event) => { event.preventDefault(); look(number.value.trim()); } },
      h("label", { class: "field grow" }, h("span", null, label), number), h("button", { class: "primary" }, "核对")), result));
  if (location.hash.length > 1) { number.value = decodeURIComponent(location.hash.slice(1)); look(number.value); }
}

export const unknown = () => h("p", { class: "error" }, "名单中没有这个编码，请核对。");
export const big = (text, small) => h("p", { class: "big" }, text, small && h("small", null, ` ${small}`));
export const at = (moment) => moment && when(moment);
