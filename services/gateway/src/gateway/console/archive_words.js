// What an archive speaks of, in the words of the field.
export const TERMS = { autumn: "第一学期", spring: "第二学期" };
export const LEVELS = { excellent: "优秀", good: "良好", passed: "合格", not_yet: "待提高" };
export const ASPECTS = {
  community_service: "参加社区服务", social_practice: "社会实践", civic_morality: "公民道德素养", learning: "学习能力", cooperation: "交流与合作",
  sport_and_health: "运动与健康", aesthetics: "审美与表现", practice_and_innovation: "实践与创新", talent: "体育运动技能与艺术特长",
};
export const AWARD_LEVELS = { national: "国家级", provincial: "省级", municipal: "市级", county: "县级", school: "校级" };
export const AWARD_ASPECTS = { moral: "德", intellectual: "智", physical: "体", aesthetic: "美", labour: "劳", overall: "综合" };
export const SANCTIONS = { warning: "警告", demerit: "记过", probation: "留校察看" };
export const AID = {
  living_subsidy: "家庭经济困难学生生活补助", nutrition: "营养改善计划", boarding: "寄宿生补助", disability: "残疾学生资助", social: "社会捐助", other: "其他资助",
};
export const SCANS = { clean: "已查毒", pending: "等候查毒", unscanned: "未查毒", infected: "有病毒，已隔离" };
export const EVIDENCE = {
  household_register: "户籍证明（户口簿）", residence_permit: "居住证", birth_certificate: "出生证明", identity_document: "身份证件", guardianship: "监护关系证明",
  residence: "居住证明（房产证等）", transfer_application: "转学申请", suspension_application: "休学申请", resumption_application: "复学申请", application: "其他申请书",
  medical: "医疗证明", disability: "残疾证明", death: "死亡证明", departure: "出国（境）证明", admission_notice: "入学通知书", signed_sheet: "监护人签字的确认表",
  award: "奖励证书或文件", sanction: "处分决定等资料", aid: "资助材料", health: "体检、接种、体质测试材料", public_security: "公安、司法机关文书",
  official_document: "教育行政部门文件", other: "其他材料",
};
