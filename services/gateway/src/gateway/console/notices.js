// What the organisation's roles were told.
import { action, api, fill, h, paged, when } from "./core.js";
import { page } from "./links.js";

async function read(ids) {
  if (ids.length) await api("/v1/notices/read", { method: "POST", body: { notice_ids: ids } });
  dispatchEvent(new Event("notices-read"));
}

export async function notices(place) {
  const list = h("div");
  let shown = [];
  const all = action("全部标为已读", async () => {
    await read(shown.filter((notice) => !notice.read_at).map((notice) => notice.id));
    await load();
  });
  fill(place, h("div", { class: "head" }, h("h1", null, "消息"), all), list);
  const load = () => paged(list, (cursor) => api(`/v1/notices?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`), (items) => {
    shown = items;
    return h("ul", { class: "notices card" }, items.map((notice) => h("li", { class: notice.read_at ? "" : "unread" },
      h("a", { href: page(notice.link), onclick: () => notice.read_at || read([notice.id]).catch(() => {}) },
        h("b", null, notice.title), h("span", null, notice.body)),
      h("time", { datetime: notice.created_at }, when(notice.created_at)))));
  }, "还没有消息。");
  await load();
}
