// Signing in: user name and password, then the second factor's code where the account has one.
import { api, fill, h } from "./core.js";
import { session } from "./session.js";

export function signInPage(place, after) {
  const input = (name, label, more) => h("label", { class: "field" }, h("span", null, label), h("input", { name, required: true, ...more }));
  const error = h("p", { class: "error", role: "alert" });
  const name = input("username", "用户名", { autocomplete: "username", autocapitalize: "none", spellcheck: "false" });
  const password = input("password", "密码", { type: "password", autocomplete: "current-password" });
  const code = h("div", { hidden: true });
  const button = h("button", { class: "primary wide" }, "登录");
  let waiting;

  const askCode = () => {
    fill(code, input("code", "动态口令（手机上的 6 位数字，或一个备用码）", { autocomplete: "one-time-code", maxlength: 40 }));
    code.hidden = false;
    code.querySelector("input").focus();
  };
  const wait = (seconds) => {
    clearInterval(waiting);
    let left = seconds;
    const tick = () => {
      button.disabled = left > 0;
      button.textContent = left > 0 ? `请等待 ${left} 秒` : "登录";
      left -= 1;
      if (left < 0) clearInterval(waiting);
    };
    tick();
    waiting = setInterval(tick, 1000);
  };

  const form = h("form", { class: "card login", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    error.textContent = "";
    let seconds = 0;
    try {
      session.set(await api("/v1/sessions", { method: "POST", body: { ...Object.fromEntries(new FormData(form)), refresh: "cookie" } }));
      clearInterval(waiting);
      return await after();
    } catch (problem) {
      error.textContent = problem.message;
      seconds = problem.retryAfter ?? 0;
      if (problem.type === "second_factor_required") askCode();
    } finally {
      button.disabled = false;
    }
    if (seconds) wait(seconds);
    return undefined;
  } },
  h("img", { src: "/console/icon.svg", alt: "", width: 44, height: 44 }), h("h1", null, "学籍管理"),
  h("p", { class: "muted" }, "义务教育学生学籍信息管理"), name, password, code, error, button);
  fill(place, form);
  form.querySelector("input").focus();
}
