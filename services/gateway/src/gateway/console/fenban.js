// For parents, without an account: the published file of a class assignment, recomputed here, in this browser (clause 17).
import { listHash, verify } from "./assignment.js";
import { h, table, when } from "./core.js";
import { at, big, recomputing, unknown } from "./recomputing.js";
import { className } from "./words.js";

const SEX = { 1: "男", 2: "女" };

function about(file, own) {
  const { listing, history: past } = file;
  const where = new Map(file.result.map((one) => [one.code, one.class_no]));
  const of = (pupils, sex) => pupils.filter((one) => SEX[one.sex] === sex).length;
  return {
    number: listing.number, name: `${past.school_name}${className(listing.grade)}分班`,
    note: !file.secret && `尚未抽签。名单已于 ${when(past.committed_at)} 封存，等待公开数值：${file.public_source}（${when(past.public_at)}公布）。`,
    facts: [["名单人数", listing.pupils.length], ["班数", listing.classes.length], ["标准班额", listing.standard], ["公开数值来源", file.public_source], ["公开数值", file.public_value],
      ["抽签时间", at(past.drawn_at)], ["取消理由", past.cancelled_reason], ["替代此前分班", past.replaces], ["已由后来的分班替代", past.replaced_by],
      ["重新分班理由", past.redraw_reason], ["主管部门意见", past.redraw_decision_reason]],
    hashes: [["名单哈希（重新计算）", listHash(listing)], ["名单哈希（公布）", file.list_sha256], ["种子承诺", file.commitment]],
    standing: () => (!listing.pupils.some((one) => one.code === own) ? unknown() : big(where.has(own) ? `${where.get(own)} 班` : "在名单中，尚未抽签")),
    more: file.result.length > 0 && h("div", { class: "card" }, table(["班级", "人数（抽签）", "男", "女", "事先安置"], listing.classes.map(({ class_no, placed = 0 }) => {
      const there = listing.pupils.filter((one) => where.get(one.code) === class_no);
      return [`${class_no}班`, there.length, of(there, "男"), of(there, "女"), placed];
    }), "各班人数")),
  };
}

recomputing({ title: "分班公开核对", text: "输入学校告知的分班编号，由您的浏览器按公布的名单和种子重新计算一遍分班。公布的文件里没有姓名；孩子的编码只告诉监护人。",
  label: "分班编号", example: "FB-2026-2123010001-1-01", address: (number) => `/v1/class-assignments/published/${number}`, tool: "regulation.assignment", verify, about });
