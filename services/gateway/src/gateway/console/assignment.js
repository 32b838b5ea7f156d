// One-click class assignment (clause 17), as anybody recomputes it: the same function as regulation/assignment.py, line for
// line; a test holds one against the other. No part of it asks a server.

const FORMAT = "xueji-class-assignment-1";
const BOY = "1", GIRL = "2";
const ROUNDS = 4, NODES = 20_000, MOST_NODES = 200_000;

// ---- SHA-256 (FIPS 180-4): crypto.subtle exists on https and localhost only, and gives promises ------------------------

const root = (n, power) => Math.floor(((n ** (1 / power)) % 1) * 2 ** 32);
const primes = (() => { const found = []; for (let n = 2; found.length < 64; n += 1) if (found.every((p) => n % p)) found.push(n); return found; })();
const START = primes.slice(0, 8).map((p) => root(p, 2)), K = primes.map((p) => root(p, 3));
const turn = (x, n) => (x >>> n) | (x << (32 - n));

export function sha256(text) {
  const bytes = new TextEncoder().encode(text);
  const padded = new Uint8Array(((bytes.length + 8 >> 6) + 1) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, bytes.length << 3);
  const sum = [...START], w = new Int32Array(64);
  for (let at = 0; at < padded.length; at += 64) {
    for (let i = 0; i < 64; i += 1) {
      w[i] = i < 16 ? view.getInt32(at + i * 4)
        : (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10)) + w[i - 7]
          + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3)) + w[i - 16];
    }
    let [a, b, c, d, e, f, g, h] = sum;
    for (let i = 0; i < 64; i += 1) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => { sum[i] = (sum[i] + value) | 0; });
  }
  return sum.map((value) => (value >>> 0).toString(16).padStart(8, "0")).join("");
}

// ---- what is promised before, and what is drawn from it ----------------------------------------------------------------

const lots = (seed) => (text) => sha256(`${seed}:${text}`);
const less = (a, b) => { // arrays and strings, as Python compares tuples; strings by code point
  if (typeof a === "string") return order(a, b);
  if (!Array.isArray(a)) return a - b;
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) { const found = less(a[i], b[i]); if (found) return found; }
  return a.length - b.length;
};
function order(a, b) {
  const left = [...a], right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    if (left[i] !== right[i]) return left[i].codePointAt(0) - right[i].codePointAt(0);
  }
  return left.length - right.length;
}
const sortedBy = (things, key) => things.map((thing) => [key(thing), thing]).sort((a, b) => less(a[0], b[0])).map(([, thing]) => thing);
const least = (things, key) => sortedBy(things, key)[0];
const range = (n) => [...Array(n).keys()];
const total = (numbers) => numbers.reduce((a, b) => a + b, 0);

function inOrder(rules) { // each in the order of its codes, none twice
  const each = rules.map((rule) => [...new Set(rule)].sort(order));
  return sortedBy([...new Map(each.map((rule) => [JSON.stringify(rule), rule])).values()], (rule) => rule);
}

function canonical(value) { // JSON with sorted keys
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.keys(value).sort(order).map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

const whole = (listing) => ({
  ...listing,
  classes: sortedBy(listing.classes.map(({ class_no, placed = 0 }) => ({ class_no, placed })), (one) => one.class_no),
  pupils: sortedBy(listing.pupils.map(({ code, sex, attributes = {} }) => ({ code, sex, attributes })), (one) => one.code),
  together: inOrder(listing.together ?? []),
  apart: inOrder(listing.apart ?? []),
});

export const listHash = (listing) => sha256(canonical(whole(listing)));
export const commitmentOf = (secret, hash) => sha256(`${FORMAT}:commitment:${hash}:${secret}`);
export const seedOf = (secret, hash, value) => sha256(`${FORMAT}:seed:${hash}:${secret}:${value}`);

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
