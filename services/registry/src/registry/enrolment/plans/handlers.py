"""Everything about plans that can be asked of the registry."""

from __future__ import annotations

from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.messages import Command, Query
from shared_contracts.plans import (
    AskPlanChange,
    DecidePlanChange,
    GetPlan,
    GetPlanChange,
    GetPlanTemplate,
    ListPlanChanges,
    ListPlans,
    PrecheckPlanChange,
    PrecheckPlans,
    ReadPlans,
    ReturnPlan,
    SetPlans,
    WithdrawPlanChange,
)

from registry.enrolment.plans.changing import (
    ask_plan_change,
    decide_plan_change,
    precheck_plan_change,
    return_plan,
    withdraw_plan_change,
)
from registry.enrolment.plans.reading import get_plan_template, read_plans
from registry.enrolment.plans.setting import precheck_plans, set_plans
from registry.enrolment.plans.views import get_plan, get_plan_change, list_plan_changes, list_plans

COMMANDS: dict[type[Command], CommandHandler] = {
    SetPlans: set_plans,
    ReturnPlan: return_plan,
    AskPlanChange: ask_plan_change,
    DecidePlanChange: decide_plan_change,
    WithdrawPlanChange: withdraw_plan_change,
}
QUERIES: dict[type[Query], QueryHandler] = {
    PrecheckPlans: precheck_plans,
    ReadPlans: read_plans,
    GetPlanTemplate: get_plan_template,
    PrecheckPlanChange: precheck_plan_change,
    GetPlan: get_plan,
    ListPlans: list_plans,
    GetPlanChange: get_plan_change,
    ListPlanChanges: list_plan_changes,
}
