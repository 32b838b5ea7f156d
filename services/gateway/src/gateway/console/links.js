// What the API calls a thing by, and the page of the console that shows it.
const PAGES = {
  rosters: (id) => `#/rosters/${id}`, registrations: () => "#/work", exports: (id) => `#/exports/${id}`, audit: () => "#/audit/alerts", appointments: () => "#/registrars", registrars: () => "#/registrars",
  policy: (id) => ({ filings: "#/policy/filings", values: "#/policy/history", "working-days": "#/policy/workdays" })[id] ?? "#/policy",
  worklist: (_, query) => `#/worklist/${new URLSearchParams(query).get("queue") ?? ""}`,
  corrections: (id) => `#/corrections/${id}`, cancellations: (id) => `#/cancellations/${id}`, duplicates: (id) => `#/duplicates/${id}`,
  "enrolment-plan-changes": () => "#/plans", "enrolment-plans": (id) => `#/plans/${id}`, "admission-schemes": (id) => `#/schemes/${id}`, "class-assignments": (id) => `#/classes/${id}`,
  reorganisations: (id) => `#/reorganisations/${id}`, "junior-intakes": (id) => `#/junior-intakes/${id}`, transfers: (id) => `#/transfers/${id}`, "transfer-reports": (id) => `#/transfer-reports/${id}`,
  "transfer-ratios": () => "#/private-places", "transfer-rounds": (id) => `#/private-places/${id}`,
  deferrals: () => "#/admissions/applications", "migrant-applications": () => "#/admissions/applications", "international-applications": () => "#/admissions/applications",
  admissions: () => "#/admissions/places", "children-lists": (id) => `#/admissions/list.${id}`, "attendance-zones": () => "#/admissions/zones",
  "inspection-findings": (id) => (id ? `#/inspection/finding.${id}` : "#/inspection"), "inspection-rounds": (id) => `#/inspection/round.${id}`,
  "attendance-checks": (id) => `#/attendance/${id}`, "archive-handovers": (id) => `#/archive-handovers/${id}`,
};

export function page(link, otherwise = "#/notices") {
  const [, kind, parts, query] = /^\/v1\/([\w-]+)\/?([\w/-]*)(?:\?(.*))?/.exec(link) ?? [];
  const id = kind === "transfer-reports" ? parts.replaceAll("/", ".") : parts?.split("/")[0];
  return PAGES[kind]?.(id, query).replace(/\/$/, "") ?? otherwise;
}
