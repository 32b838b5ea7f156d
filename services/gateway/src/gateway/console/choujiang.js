// For parents, without an account: the published file of a private school's round, recomputed here, in this browser (24.5.4).
import { badge, empty, facts, fill, h, Problem, told, when } from "./core.js";
import { isDrawn, listHash, verify } from "./lottery.js";
import { drawPicture } from "./lottery_picture.js";
import { className } from "./words.js";

const main = document.getElementById("main");
const result = h("div", { "aria-live": "polite" });
const number = h("input", { name: "number", maxlength: 40, placeholder: "YH-2026-1-2123010001-3-01", autocomplete: "off" });
const code = h("input", { name: "code", maxlength: 9, placeholder: "ABCD-2345", autocomplete: "off", oninput: () => draw() });
let file = null;
let text = "";

fill(main, h("div", { class: "page" },
  h("div", { class: "head" }, h("div", null, h("h1", null, "民办学校转入随机录取公开核对"), h("p", { class: "muted" }, "输入学校告知的批次编号，由您的浏览器按公布的名单和种子重新抽一遍签。公布的文件里没有姓名；孩子的编码只告诉监护人。"))),
  h("form", { class: "filters", onsubmit: (event) => { event.preventDefault(); look(number.value.trim()); } },
    h("label", { class: "field grow" }, h("span", null, "批次编号"), number), h("button", { class: "primary" }, "核对")), result));

async function look(wanted) {
  if (!wanted) return;
  fill(result, empty("正在读取并计算……"));
  try {
    const answer = await fetch(`/v1/transfer-rounds/published/${encodeURIComponent(wanted)}`);
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

function waitsFor({ notice, listing, secret, left }) {
  if (!listing) return `报名至 ${notice.closes_on} 截止，名单还没有封存。种子的承诺已经公布，谁也不能再改。`;
  if (isDrawn(listing, left) && !secret) return `名单已经封存，申请人多于学位。等待公开数值：${notice.public_source}（${when(notice.public_at)}公布）。`;
  return null;
}

function standing(own) {
  const { listing, order, winners, left } = file;
  if (own.length !== 9) return null;
  if (!listing) return h("p", { class: "muted" }, "名单还没有封存，封存后可以在这里核对。");
  if (!listing.applicants.includes(own)) return h("p", { class: "error" }, "名单中没有这个编码，请核对。");
  if (left.includes(own)) return h("p", { class: "big" }, "已撤回");
  if (winners.includes(own)) return h("p", { class: "big" }, "录取", order.length > 0 && h("small", null, ` 第 ${order.indexOf(own) + 1} 位`));
  if (order.length) return h("p", { class: "big" }, "未录取", h("small", null, ` 第 ${order.indexOf(own) + 1} 位，由主管教育行政部门统筹安排到公办学校`));
  return h("p", { class: "big" }, "在名单中，尚未抽签");
}

function draw() {
  if (!file) return;
  const { notice, listing, history: past } = file;
  const checks = verify(file);
  const good = checks.every(([, ok]) => ok);
  const waiting = waitsFor(file);
  const own = code.value.trim().toUpperCase();
  fill(result,
    h("div", { class: "card" }, h("h2", null, `${past.school_name}${className(notice.grade)}转入 `, badge(past.state_title, ""), badge(good ? "核对无误" : "核对不一致", good ? "good" : "bad")),
      h("ul", null, checks.map(([what, ok]) => h("li", null, ok ? "✓ " : "✗ ", what))), waiting && h("p", { class: "finding note" }, waiting),
      facts([["学年", `${notice.school_year} 学年第 ${notice.term} 学期`], ["报名截止", notice.closes_on], ["空余学位", listing?.free], ["本学年已转入", listing?.taken], ["可转入比例", listing?.ratio],
        ["可转入学位", listing?.places], ["申请人数", listing?.applicants.length], ["公开数值来源", notice.public_source], ["公开数值", file.public_value], ["名单封存", past.closed_at && when(past.closed_at)], ["抽签时间", past.drawn_at && when(past.drawn_at)]]),
      h("details", null, h("summary", null, "哈希与种子"), h("pre", null, [listing && `名单哈希（重新计算）${listHash(notice, listing)}`, file.list_sha256 && `名单哈希（公布）　　　${file.list_sha256}`, `种子承诺　　　　　　　${notice.commitment}`,
        file.secret && `种子秘密　　　　　　　${file.secret}`, file.seed && `种子　　　　　　　　　${file.seed}`].filter(Boolean).join("\n"))),
      h("div", { class: "row" }, h("a", { class: "button", href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: `${notice.number}.json` }, "下载公布的文件"),
        h("span", { class: "muted" }, "也可以自己计算：python -m regulation.lottery verify 文件"))),
    h("div", { class: "card" }, h("label", { class: "field" }, h("span", null, "孩子的编码"), code), standing(own)),
    listing && listing.applicants.length > 0 && h("div", { class: "card" }, h("h2", null, file.order.length ? "抽签次序" : "名单"), drawPicture(file, own)));
  if (own) code.focus();
}

if (location.hash.length > 1) { number.value = decodeURIComponent(location.hash.slice(1)); look(number.value); }
