// One-click class assignment (clause 17), as anybody recomputes it: the same function as regulation/assignment.py, line for
// line; a test holds one against the other. No part of it asks a server.
import { canonical, commitmentTo, least, lots, order, range, seedFrom, sha256, sortedBy, total } from "./drawing.js";

const FORMAT = "xueji-class-assignment-1";
const BOY = "1", GIRL = "2";
const ROUNDS = 4, NODES = 20_000, MOST_NODES = 200_000;

// ---- what is promised before, and what is drawn from it ----------------------------------------------------------------

function rulesInOrder(rules) { // each in the order of its codes, none twice
  const each = rules.map((rule) => [...new Set(rule)].sort(order));
  return sortedBy([...new Map(each.map((rule) => [JSON.stringify(rule), rule])).values()], (rule) => rule);
}

const whole = (listing) => ({
  ...listing,
  classes: sortedBy(listing.classes.map(({ class_no, placed = 0 }) => ({ class_no, placed })), (one) => one.class_no),
  pupils: sortedBy(listing.pupils.map(({ code, sex, attributes = {} }) => ({ code, sex, attributes })), (one) => one.code),
  together: rulesInOrder(listing.together ?? []),
  apart: rulesInOrder(listing.apart ?? []),
});

export const listHash = (listing) => sha256(canonical(whole(listing)));
export const commitmentOf = (secret, hash) => commitmentTo(FORMAT, hash, secret);
export const seedOf = (secret, hash, value) => seedFrom(FORMAT, hash, secret, value);

// How many each class gets, boys in proportion: settled by the list alone. null: there is no way.
function seats({ classes, pupils, standard }) {
  if (!classes.length) return null;
  const all = pupils.length + total(classes.map((one) => one.placed));
  const base = Math.floor(all / classes.length), extra = all % classes.length;
  if (base + (extra > 0 ? 1 : 0) > standard) return null;
  const more = new Set(sortedBy(classes, (one) => [-one.placed, one.class_no]).slice(0, extra).map((one) => one.class_no));
  const sizes = classes.map((one) => base + (more.has(one.class_no) ? 1 : 0) - one.placed);
  if (Math.min(...sizes) < 0) return null;
  const boysInAll = pupils.filter((one) => one.sex === BOY).length, n = pupils.length;
  const boys = sizes.map((size) => (n ? Math.floor((size * boysInAll) / n) : 0));
  const byRemainder = sortedBy(range(classes.length), (i) => [-(n ? (sizes[i] * boysInAll) % n : 0), i]);
  for (const i of byRemainder.slice(0, boysInAll - total(boys))) boys[i] += 1;
  return classes.map((one, i) => ({ class_no: one.class_no, size: sizes[i], boys: boys[i], girls: sizes[i] - boys[i] }));
}

// ---- what must hold ------------------------------------------------------------------------------------------------------

function unitsOf({ together, apart }, sexes) {
  const leader = new Map();
  const find = (code) => {
    if (!leader.has(code)) leader.set(code, code);
    while (leader.get(code) !== code) code = leader.get(code);
    return code;
  };
  for (const [kind, rules] of [["together", together], ["apart", apart]]) {
    for (const codes of rules) {
      for (const code of codes) {
        find(code);
        if (kind === "together") {
          const [first, second] = [find(codes[0]), find(code)].sort(order);
          leader.set(second, first);
        }
      }
    }
  }
  const members = new Map();
  for (const code of [...leader.keys()].sort(order)) members.set(find(code), [...(members.get(find(code)) ?? []), code]);
  const units = [...members.keys()].sort(order).map((key) => {
    const codes = members.get(key), boys = codes.filter((code) => sexes.get(code) === BOY).length;
    return { codes, boys, girls: codes.length - boys, apart: new Set() };
  });
  const unitOf = new Map(units.flatMap((unit, i) => unit.codes.map((code) => [code, i])));
  for (const codes of apart) {
    for (const one of codes) for (const other of codes) if (other !== one) units[unitOf.get(one)].apart.add(unitOf.get(other));
  }
  return units;
}

function search(units, places, lot, nodes, strict) {
  if (units.some((unit, i) => unit.apart.has(i))) return null;
  const queue = sortedBy(range(units.length), (i) => [-units[i].codes.length, -units[i].apart.size, lot(units[i].codes[0])]);
  const choices = units.map((unit) => sortedBy(range(places.length), (k) => lot(`${unit.codes[0]}:${places[k].class_no}`)));
  const boys = places.map((p) => p.boys), girls = places.map((p) => p.girls), size = places.map((p) => p.size);
  const taken = new Map(), at = Array(queue.length + 1).fill(0);
  let depth = 0, tried = 0;
  while (depth < queue.length) {
    const i = queue[depth], unit = units[i];
    if (taken.has(i)) {
      const k = taken.get(i);
      taken.delete(i);
      boys[k] += unit.boys; girls[k] += unit.girls; size[k] += unit.codes.length;
    }
    let found = false;
    while (at[depth] < places.length) {
      const k = choices[i][at[depth]];
      at[depth] += 1;
      tried += 1;
      if (tried > nodes) return null;
      const fits = strict ? boys[k] >= unit.boys && girls[k] >= unit.girls : size[k] >= unit.codes.length;
      if (fits && [...unit.apart].every((other) => taken.get(other) !== k)) {
        taken.set(i, k);
        boys[k] -= unit.boys; girls[k] -= unit.girls; size[k] -= unit.codes.length;
        found = true;
        break;
      }
    }
    if (found) { depth += 1; at[depth] = 0; } else if (depth === 0) return null; else depth -= 1;
  }
  return units.map((_, i) => taken.get(i));
}

// The class of each pupil, by code; null where the list has no assignment.
export function assign(given, seed) {
  const listing = whole(given);
  const sexes = new Map(listing.pupils.map((one) => [one.code, one.sex]));
  if (sexes.size < listing.pupils.length || listing.pupils.some(({ sex }) => sex !== BOY && sex !== GIRL)) return null;
  if ([...listing.together, ...listing.apart].flat().some((code) => !sexes.has(code))) return null;
  const places = seats(listing);
  if (!places) return null;
  const units = unitsOf(listing, sexes);
  let known = null, strict = true;
  for (strict of [true, false]) {
    known = search(units, places, lots(listing.number), MOST_NODES, strict);
    if (known) break;
  }
  if (!known) return null;
  let held = null;
  for (let round = 0; round < ROUNDS && !held; round += 1) held = search(units, places, lots(`${seed}:${round}`), NODES, strict);
  return deal(listing, sexes, units, places, held ?? known, lots(seed));
}

// ---- all the others ------------------------------------------------------------------------------------------------------

function deal(listing, sexes, units, places, held, lot) {
  const result = new Map();
  units.forEach((unit, u) => unit.codes.forEach((code) => result.set(code, held[u])));
  const boysFree = boysLeft(sexes, places, result);
  const there = places.map((_, k) => [...result.values()].filter((where) => where === k).length);
  const free = { [BOY]: boysFree, [GIRL]: places.map((place, k) => place.size - there[k] - boysFree[k]) };
  const alike = new Map(), single = new Map();
  const counts = (map, key) => { if (!map.has(key)) map.set(key, places.map(() => 0)); return map.get(key); };
  const items = (pupil) => Object.keys(pupil.attributes).sort(order).map((name) => `${name}=${pupil.attributes[name]}`);
  const kind = (pupil) => [pupil.sex, ...items(pupil)];
  const put = (pupil, k) => {
    counts(alike, JSON.stringify(kind(pupil)))[k] += 1;
    for (const item of items(pupil)) counts(single, item)[k] += 1;
  };
  for (const pupil of listing.pupils) if (result.has(pupil.code)) put(pupil, result.get(pupil.code));
  const waiting = listing.pupils.filter((pupil) => !result.has(pupil.code));
  for (const pupil of sortedBy(waiting, (one) => [kind(one), lot(one.code)])) {
    const open = range(places.length).filter((k) => free[pupil.sex][k] > 0);
    const same = counts(alike, JSON.stringify(kind(pupil)));
    const k = least(open, (i) => [
      same[i], -free[pupil.sex][i], total(items(pupil).map((item) => counts(single, item)[i])), lot(`${pupil.code}:${places[i].class_no}`),
    ]);
    free[pupil.sex][k] -= 1;
    result.set(pupil.code, k);
    put(pupil, k);
  }
  return Object.fromEntries([...result].map(([code, k]) => [code, places[k].class_no]));
}

function boysLeft(sexes, places, given) {
  const boys = places.map(() => 0), all = places.map(() => 0);
  for (const [code, k] of given) { all[k] += 1; boys[k] += sexes.get(code) === BOY ? 1 : 0; }
  const room = places.map((place, k) => place.size - all[k]);
  const left = places.map((place, k) => Math.min(Math.max(place.boys - boys[k], 0), room[k]));
  const coming = [...sexes].filter(([code, sex]) => sex === BOY && !given.has(code)).length;
  const beyond = (k) => boys[k] + left[k] - places[k].boys;
  while (total(left) > coming) left[sortedBy(range(places.length).filter((k) => left[k] > 0), (k) => [beyond(k), k]).at(-1)] -= 1;
  while (total(left) < coming) left[least(range(places.length).filter((k) => left[k] < room[k]), (k) => [beyond(k), k])] += 1;
  return left;
}

// ---- for everybody -------------------------------------------------------------------------------------------------------

// What was checked, and whether it is as it must be: [[text, good], …].
export function verify(file) {
  const hash = file.list_sha256;
  const checks = [["文件格式", file.format === FORMAT], ["名单与事先公布的哈希一致", listHash(file.listing) === hash]];
  if (!file.secret || !file.public_value) return checks;
  const seed = seedOf(file.secret, hash, file.public_value);
  const result = assign(file.listing, seed) ?? {};
  const said = Object.fromEntries(file.result.map((one) => [one.code, one.class_no]));
  const same = file.result.length > 0 && Object.keys(result).length === file.result.length
    && Object.entries(result).every(([code, class_no]) => said[code] === class_no);
  return [...checks,
    ["种子秘密与事先公布的承诺一致", commitmentOf(file.secret, hash) === file.commitment],
    ["种子由秘密、名单和公开数值得出", seed === file.seed],
    ["重新计算的分班结果与公布的一致", same]];
}
