// For parents, without an account: the published file of a private school's round, recomputed here, in this browser (24.5.4).
import { h, when } from "./core.js";
import { isDrawn, listHash, verify } from "./lottery.js";
import { drawPicture } from "./lottery_picture.js";
import { at, big, recomputing, unknown } from "./recomputing.js";
import { className } from "./words.js";

function waitsFor({ notice, listing, secret, left }) {
  if (!listing) return `报名至 ${notice.closes_on} 截止，名单还没有封存。种子的承诺已经公布，谁也不能再改。`;
  if (isDrawn(listing, left) && !secret) return `名单已经封存，申请人多于学位。等待公开数值：${notice.public_source}（${when(notice.public_at)}公布）。`;
  return null;
}

function standing({ listing, order, winners, left }, own) {
  if (!listing) return h("p", { class: "muted" }, "名单还没有封存，封存后可以在这里核对。");
  if (!listing.applicants.includes(own)) return unknown();
  if (left.includes(own)) return big("已撤回");
  const place = order.length > 0 && `第 ${order.indexOf(own) + 1} 位`;
  if (winners.includes(own)) return big("录取", place);
  return place ? big("未录取", `${place}，由主管教育行政部门统筹安排到公办学校`) : big("在名单中，尚未抽签");
}

function about(file, own) {
  const { notice, listing, history: past } = file;
  return {
    number: notice.number, name: `${past.school_name}${className(notice.grade)}转入`, note: waitsFor(file),
    facts: [["学年", `${notice.school_year} 学年第 ${notice.term} 学期`], ["报名截止", notice.closes_on], ["空余学位", listing?.free], ["本学年已转入", listing?.taken], ["可转入比例", listing?.ratio],
      ["可转入学位", listing?.places], ["申请人数", listing?.applicants.length], ["公开数值来源", notice.public_source], ["公开数值", file.public_value], ["名单封存", at(past.closed_at)], ["抽签时间", at(past.drawn_at)]],
    hashes: [["名单哈希（重新计算）", listing && listHash(notice, listing)], ["名单哈希（公布）", file.list_sha256], ["种子承诺", notice.commitment]],
    standing: () => standing(file, own),
    more: listing?.applicants.length > 0 && h("div", { class: "card" }, h("h2", null, file.order.length ? "抽签次序" : "名单"), drawPicture(file, own)),
  };
}

recomputing({ title: "民办学校转入随机录取公开核对", text: "输入学校告知的批次编号，由您的浏览器按公布的名单和种子重新抽一遍签。公布的文件里没有姓名；孩子的编码只告诉监护人。",
  label: "批次编号", example: "YH-2026-1-2123010001-3-01", address: (number) => `/v1/transfer-rounds/published/${number}`, tool: "regulation.lottery", verify, about });
