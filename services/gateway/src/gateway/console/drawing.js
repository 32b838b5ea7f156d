// What every draw that anybody may recompute is made of (clauses 17, 24.5.4): the same as regulation/drawing.py. No part of
// it asks a server.

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

// ---- lists in one order ------------------------------------------------------------------------------------------------

export const lots = (chance) => (text) => sha256(`${chance}:${text}`);
const less = (a, b) => { // arrays and strings, as Python compares tuples; strings by code point
  if (typeof a === "string") return order(a, b);
  if (!Array.isArray(a)) return a - b;
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) { const found = less(a[i], b[i]); if (found) return found; }
  return a.length - b.length;
};
export function order(a, b) {
  const left = [...a], right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    if (left[i] !== right[i]) return left[i].codePointAt(0) - right[i].codePointAt(0);
  }
  return left.length - right.length;
}
export const sortedBy = (things, key) => things.map((thing) => [key(thing), thing]).sort((a, b) => less(a[0], b[0])).map(([, thing]) => thing);
export const least = (things, key) => sortedBy(things, key)[0];
export const range = (n) => [...Array(n).keys()];
export const total = (numbers) => numbers.reduce((a, b) => a + b, 0);

export function canonical(value) { // JSON with sorted keys
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.keys(value).sort(order).map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

// ---- commitment and seed -----------------------------------------------------------------------------------------------

export const commitmentTo = (format, boundTo, secret) => sha256(`${format}:commitment:${boundTo}:${secret}`);
export const seedFrom = (format, hash, secret, value) => sha256(`${format}:seed:${hash}:${secret}:${value}`);
// The codes as the seed shuffles them, in whatever order they are given.
export const inOrder = (codes, chance) => sortedBy(codes, lots(chance));
