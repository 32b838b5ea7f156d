// What the codes of the API are called, in the words of the field.

export const ROLES = {
  registrar: "学籍管理员", class_teacher: "班主任", principal: "学籍主管校长", authority_officer: "学籍主管", leader: "分管局长",
  auditor: "审计员", account_admin: "账号管理员", integration_client: "接口用户", operator: "运维",
};

export const ROSTER_STATES = {
  uploaded: "已上传", checking: "检查中", checked: "待确认", confirming: "导入中", in_approval: "审核中", issuing: "发放学籍号",
  completed: "已完成", cancelled: "已放弃", failed: "无法读取",
};

export const ROW_STATES = { refused: "拒绝", warned: "有提示", valid: "通过", already_here: "已在本校" };

// Clause 15.1 in its order: who takes a step, and in which state a registration waits for it.
export const STEPS = [
  { step: "class_teacher", waits: "entered", role: "class_teacher", name: "班主任审核" },
  { step: "principal", waits: "class_teacher_checked", role: "principal", name: "主管校长审核" },
  { step: "guardian", waits: "principal_checked", role: "registrar", name: "监护人确认" },
  { step: "school", waits: "guardian_confirmed", role: "principal", name: "学校审核" },
  { step: "authority", waits: "school_approved", role: "authority_officer", name: "主管部门核准" },
];

export const PIPELINE = [
  ...STEPS.map(({ waits, name }) => [waits, name]),
  ["authority_approved", "发放学籍号"],
  ["registered", "已建立学籍"],
];

export const REGISTRATION_STATES = {
  ...Object.fromEntries(STEPS.map(({ waits, name }) => [waits, `待${name}`])),
  authority_approved: "待发学籍号", registered: "已建立学籍", returned: "已退回", rejected: "未予建籍", withdrawn: "已撤回",
};

export const DECISIONS = { approve: "通过", return: "退回更正", reject: "不予建籍" };

// What a row of the decisions may say besides.
export const ACTS = { ...DECISIONS, resubmit: "更正后重新送审", withdraw: "撤回", reroute: "转由其他部门审核" };

export const STUDENT_STATES = { in_school: "在读", suspended: "休学", retained: "保留学籍", graduated: "毕业", completed: "结业", cancelled: "注销", transferred_out: "转往外省" };

export const VERIFICATIONS = {
  pending: "尚未比对", matched: "公安比对一致", not_found: "公安库中未查到", name_mismatch: "姓名不符", sex_mismatch: "性别不符",
  birth_date_mismatch: "出生日期不符", not_matchable: "证件不参加比对", unavailable: "比对服务未响应，稍后自动重试",
};

export const SEXES = { 1: "男", 2: "女" };
const DIGITS = "零一二三四五六七八九";
export const className = (grade, no) => (grade ? `${DIGITS[grade]}年级${no ? `${no}班` : ""}` : "—");

const MEMBER = {
  name: "姓名", relation: "关系", relation_note: "关系说明", ethnicity: "民族", employer: "工作单位", address: "现住址",
  household_place: "户口所在地", phone: "联系电话", guardian: "是否监护人", document_kind: "身份证件类型",
  document_number: "身份证件号", duty: "职务",
};

// Items of the national form (学生基本信息表) by their keys.
export const FIELDS = {
  name: "姓名", sex: "性别", birth_date: "出生日期", birth_place: "出生地", native_place: "籍贯", ethnicity: "民族",
  nationality: "国籍/地区", document_kind: "身份证件类型", overseas: "港澳台侨外", political: "政治面貌", health: "健康状况",
  name_pinyin: "姓名拼音", former_name: "曾用名", document_expiry: "身份证件有效期", household_place: "户口所在地",
  household_kind: "户口性质", talents: "特长", class_seat: "班内学号", grade: "年级", class_no: "班级", enrolled_month: "入学年月",
  entry_way: "入学方式", boarding: "就读方式", source: "学生来源", current_address: "现住址", postal_address: "通信地址",
  home_address: "家庭地址", phone: "联系电话", postcode: "邮政编码", email: "电子信箱", homepage: "主页地址",
  only_child: "是否独生子女", preschool: "是否受过学前教育", left_behind: "是否留守儿童", migrant_child: "是否随迁子女",
  orphan: "是否孤儿", martyr_child: "是否烈士或优抚子女", mainstreamed: "随班就读", disability: "残疾类型",
  purchased_place: "是否由政府购买学位", needs_aid: "是否需要申请资助", subsidised: "是否享受一补", distance_km: "上下学距离（公里）",
  commute: "上下学交通方式", school_bus: "是否需要乘坐校车", home_teaching: "是否送教上门",
  ...Object.fromEntries([1, 2].flatMap((n) => Object.entries(MEMBER).map(([k, v]) => [`member${n}_${k}`, `成员${n}${v}`]))),
};

// Which table the code of an item stands in; the rest is free text.
const yesNo = ["only_child", "preschool", "migrant_child", "orphan", "martyr_child", "purchased_place", "needs_aid", "subsidised", "school_bus", "home_teaching", "member1_guardian", "member2_guardian"];
export const CODED = {
  ...Object.fromEntries(["sex", "ethnicity", "nationality", "document_kind", "overseas", "political", "health", "entry_way", "boarding",
    "source", "left_behind", "mainstreamed", "disability", "commute"].map((key) => [key, key])),
  household_kind: "hukou", ...Object.fromEntries(yesNo.map((key) => [key, "yes_no"])),
  ...Object.fromEntries([1, 2].flatMap((n) => ["relation", "ethnicity", "document_kind"].map((key) => [`member${n}_${key}`, key]))),
};

// Who it is cannot be corrected: such a registration is withdrawn and entered anew.
export const FIXED = new Set(["school_code", "name", "sex", "birth_date", "document_kind", "document_number"]);

// Accounts (clause 45.3), registrars (clause 43), audit (clause 45.1).
export const SCHOOL_ROLES = ["registrar", "class_teacher", "principal"];
export const AUTHORITY_ROLES = ["authority_officer", "leader", "auditor", "account_admin"];
export const ACCOUNT_STATES = { active: "正常", locked: "暂时锁定", sealed: "已封存", dormant: "久未使用，已封存" };
export const SCOPES = { "students:read": "读取学籍（号码部分隐去）", "organisations:read": "读取机构名录", "webhooks:manage": "管理本接口的推送" };
export const OUTCOMES = {
  done: "已完成", forbidden: "没有权限", not_found: "不在管理范围", refused: "不符合规定", invalid: "内容有误", conflict: "状态冲突",
  unavailable: "服务不可用", too_large: "内容过大", wrong: "密码或口令错误", locked: "账号锁定", code: "待输动态口令", sealed: "账号已封存",
  expired: "初始密码过期", reused: "续期凭证重复使用", ended: "会话已结束", invalid_client: "接口密钥错误", invalid_scope: "范围不符",
};

// Exports (clause 45.2).
export const EXPORT_STATES = {
  waiting: "待核准", returned: "已退回补正", rejected: "未予核准", cancelled: "已撤销", making: "文件生成中", ready: "可下载",
  downloaded: "已下载", expired: "已过期", failed: "文件未能生成",
};
export const SENSITIVITIES = { ordinary: "一般", personal: "个人信息", sensitive: "敏感" };
export const schoolYear = (year) => `${year}—${year + 1}学年`;

const BROWSERS = [["Edg/", "Edge"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]];
const SYSTEMS = [["Windows", "Windows"], ["Android", "安卓"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Mac OS", "macOS"], ["Linux", "Linux"]];
// A browser in two words; what is none is shown as it calls itself.
export function browser(agent) {
  const [name, system] = [BROWSERS, SYSTEMS].map((list) => list.find(([mark]) => agent.includes(mark))?.[1]);
  return name ? [name, system].filter(Boolean).join("，") : agent.slice(0, 60) || "—";
}
