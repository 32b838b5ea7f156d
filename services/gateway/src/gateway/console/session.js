// Who is signed in. The access token lives in this page's memory alone; the refresh token is in a cookie that no script
// can read. What other tabs may know is only that somebody is signed in.

const HERE = "signed-in";
const EARLY = 20_000; // ms before its end a token is replaced
let current = null;
let asking = null;

export const session = {
  get: () => current,
  has: (...roles) => roles.some((role) => current?.account.roles.includes(role)),
  // Whether it is worth asking for tokens: somebody signed in here and did not sign out.
  likely: () => localStorage.getItem(HERE) !== null,
  set(value) {
    current = value && { ...value, until: Date.now() + value.expires_in * 1000 };
    if (value) localStorage.setItem(HERE, value.account.username);
    else localStorage.removeItem(HERE);
  },
};

// Another tab signed out, or signed in as somebody else.
addEventListener("storage", (event) => {
  if (event.key === HERE && current && event.newValue !== current.account.username) dispatchEvent(new Event("signed-out"));
});

// One tab at a time: a refresh token is used once, and a second use ends the session.
const alone = (act) => (navigator.locks ? navigator.locks.request("xueji-refresh", act) : act());

// New tokens by the cookie: true, or false when the session is over. Raises where the server cannot be asked.
export function refresh() {
  asking ??= alone(async () => {
    const answer = await fetch("/v1/sessions/refresh", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    if (answer.ok) session.set(await answer.json());
    else if (answer.status < 500 && answer.status !== 429) session.set(null);
    else throw new Error("no tokens now");
    return answer.ok;
  }).finally(() => { asking = null; });
  return asking;
}

// The header of a request, with a token that has some time left.
export async function authorization() {
  if (current && Date.now() > current.until - EARLY) await refresh().catch(() => {});
  return current ? { Authorization: `Bearer ${current.access_token}` } : {};
}
