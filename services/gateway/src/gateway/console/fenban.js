// For parents, without an account: the published file of a class assignment, recomputed here, in this browser (clause 17).
import { listHash, verify } from "./assignment.js";
import { badge, empty, facts, fill, h, Problem, table, told, when } from "./core.js";
import { className } from "./words.js";

const main = document.getElementById("main");
const SEX = { 1: "男", 2: "女" };
const result = h("div", { "aria-live": "polite" });
const number = h("input", { name: "number", maxlength: 40, placeholder: "FB-2026-2123010001-1-01", autocomplete: "off" });
const code = h("input", { name: "code", maxlength: 9, placeholder: "ABCD-2345", autocomplete: "off", oninput: () => draw() });
let file = null;
let text = "";

fill(main, h("div", { class: "page" },
  h("div", { class: "head" }, h("div", null, h("h1", null, "分班公开核对"), h("p", { class: "muted" }, "输入学校告知的分班编号，由您的浏览器按公布的名单和种子重新计算一遍分班。公布的文件里没有姓名；孩子的编码只告诉监护人。"))),
  h("form", { class: "filters", onsubmit: (event) => { event.preventDefault(); look(number.value.trim()); } },
    h("label", { class: "field grow" }, h("span", null, "分班编号"), number), h("button", { class: "primary" }, "核对")), result));

async function look(wanted) {
  if (!wanted) return;
  fill(result, empty("正在读取并计算……"));
  try {
    const answer = await fetch(`/v1/class-assignments/published/${encodeURIComponent(wanted)}`);
    text = await answer.text();
    if (!answer.ok) throw new Problem(JSON.parse(text), answer.status);
    file = JSON.parse(text);
    if (decodeURIComponent(location.hash.slice(1)) !== wanted) history.replaceState(null, "", `#${encodeURIComponent(wanted)}`);
    draw();
  } catch (error) {
    file = null;
    fill(result, h("p", { class: "error", role: "alert" }, error instanceof Problem ? told(error) : "无法连接服务器，请稍后重试。"));
  }
}

function draw() {
  if (!file) return;
  const { listing, history: past } = file;
  const checks = verify(file);
  const good = checks.every(([, ok]) => ok);
  const where = new Map(file.result.map((one) => [one.code, one.class_no]));
  const own = code.value.trim().toUpperCase();
  const mine = listing.pupils.find((one) => one.code === own);
  fill(result,
    h("div", { class: "card" }, h("h2", null, `${past.school_name}${className(listing.grade)}分班 `, badge(past.state_title, ""), badge(good ? "核对无误" : "核对不一致", good ? "good" : "bad")),
      h("ul", null, checks.map(([what, ok]) => h("li", null, ok ? "✓ " : "✗ ", what))),
      !file.secret && h("p", { class: "finding note" }, `尚未抽签。名单已于 ${when(past.committed_at)} 封存，等待公开数值：${file.public_source}（${when(past.public_at)}公布）。`),
      facts([["名单人数", listing.pupils.length], ["班数", listing.classes.length], ["标准班额", listing.standard], ["公开数值来源", file.public_source], ["公开数值", file.public_value],
        ["抽签时间", past.drawn_at && when(past.drawn_at)], ["取消理由", past.cancelled_reason], ["替代此前分班", past.replaces], ["已由后来的分班替代", past.replaced_by],
        ["重新分班理由", past.redraw_reason], ["主管部门意见", past.redraw_decision_reason]]),
      h("details", null, h("summary", null, "哈希与种子"), h("pre", null, [`名单哈希（重新计算）${listHash(listing)}`, `名单哈希（公布）　　　${file.list_sha256}`, `种子承诺　　　　　　　${file.commitment}`,
        file.secret && `种子秘密　　　　　　　${file.secret}`, file.seed && `种子　　　　　　　　　${file.seed}`].filter(Boolean).join("\n"))),
      h("div", { class: "row" }, h("a", { class: "button", href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: `${listing.number}.json` }, "下载公布的文件"),
        h("span", { class: "muted" }, "也可以自己计算：python -m regulation.assignment verify 文件"))),
    h("div", { class: "card" }, h("label", { class: "field" }, h("span", null, "孩子的编码"), code),
      own.length === 9 && (mine ? h("p", { class: "big" }, where.has(own) ? `${where.get(own)} 班` : "在名单中，尚未抽签") : h("p", { class: "error" }, "名单中没有这个编码，请核对。"))),
    file.result.length > 0 && h("div", { class: "card" }, table(["班级", "人数（抽签）", "男", "女", "事先安置"], listing.classes.map(({ class_no, placed = 0 }) => {
      const there = listing.pupils.filter((one) => where.get(one.code) === class_no);
      return [`${class_no}班`, there.length, there.filter((one) => SEX[one.sex] === "男").length, there.filter((one) => SEX[one.sex] === "女").length, placed];
    }), "各班人数")));
  if (own) code.focus();
}

if (location.hash.length > 1) { number.value = decodeURIComponent(location.hash.slice(1)); look(number.value); }
