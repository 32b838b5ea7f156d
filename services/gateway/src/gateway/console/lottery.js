// The lottery for a private school's places (clause 24.5.4), as anybody recomputes it: the same function as
// regulation/lottery.py; a test holds one against the other. No part of it asks a server.
import { canonical, commitmentTo, inOrder, order, seedFrom, sha256 } from "./drawing.js";

const FORMAT = "xueji-transfer-lottery-1";
const NOTICE = ["number", "school", "school_year", "term", "grade", "closes_on", "commitment", "public_source", "public_at"];
const LISTING = ["free", "taken", "ratio", "places"];

export const commitmentOf = (number, secret) => commitmentTo(FORMAT, number, secret);
export const seedOf = (secret, hash, value) => seedFrom(FORMAT, hash, secret, value);
export function listHash(notice, listing) {
  const whole = { applicants: [...listing.applicants].sort(order) };
  for (const name of NOTICE) whole[name] = notice[name];
  for (const name of LISTING) whole[name] = listing[name];
  return sha256(canonical(whole));
}

// How many more may come into the grade in this school year (24.5.3): the ratio of the year's free places, rounded down.
export function transferable(free, taken, ratio) {
  const [above, below = "1"] = ratio.split("/");
  const whole = Math.floor((Number(above) * (Math.max(free, 0) + taken)) / Number(below));
  return Math.max(0, Math.min(free, whole - taken));
}

export const isDrawn = (listing, left) => listing.applicants.filter((code) => !left.includes(code)).length > listing.places;

// All applicants in the order of their lots, and those who have a place.
export function draw(listing, seed, left) {
  const all = inOrder(listing.applicants, seed);
  return [all, all.filter((code) => !left.includes(code)).slice(0, listing.places)];
}

// ---- for everybody -------------------------------------------------------------------------------------------------------

// What was checked, and whether it is as it must be: [[text, good], …].
export function verify(file) {
  const { notice, listing } = file;
  const checks = [["文件格式", file.format === FORMAT]];
  if (!listing) return checks;
  const same = (a, b) => canonical(a) === canonical(b);
  const applicants = new Set(listing.applicants), left = file.left ?? [], winners = file.winners ?? [];
  checks.push(
    ["名单与公布的哈希一致", listHash(notice, listing) === file.list_sha256],
    ["名单中没有重复的编码", applicants.size === listing.applicants.length],
    ["可转入学位按空余学位和可转入比例得出", transferable(listing.free, listing.taken, listing.ratio) === listing.places],
    ["撤回的都在名单之中", left.every((code) => applicants.has(code))],
  );
  if (file.secret) checks.push(["种子秘密与事先公布的承诺一致", commitmentOf(notice.number, file.secret) === notice.commitment]);
  if (!isDrawn(listing, left)) {
    const everybody = [...applicants].filter((code) => !left.includes(code)).sort(order);
    checks.push(["申请人数不超过学位，全部录取", same([...winners].sort(order), everybody)]);
  } else if (file.secret && file.public_value) {
    const seed = seedOf(file.secret, file.list_sha256, file.public_value);
    const [all, won] = draw(listing, seed, left);
    checks.push(["种子由秘密、名单和公开数值得出", seed === file.seed],
      ["重新计算的抽签次序与公布的一致", same(all, file.order)],
      ["重新计算的录取名单与公布的一致", same(won, winners)]);
  }
  return checks;
}
