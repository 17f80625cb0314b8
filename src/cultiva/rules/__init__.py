"""The one expression language: parse, type, compile to a set, compile to one customer, explain."""

from cultiva.rules.closures import Closure
from cultiva.rules.compile import check_rule, compile_rule
from cultiva.rules.explain import Explanation
from cultiva.rules.faults import RuleErrors, show_fault
from cultiva.rules.functions import FUNCTIONS
from cultiva.rules.rule import EventWindow, Rule
from cultiva.rules.scope import Scope, infer_scope
from cultiva.rules.sets import RuleForm

__all__ = [
    "FUNCTIONS",
    "Closure",
    "EventWindow",
    "Explanation",
    "Rule",
    "RuleErrors",
    "RuleForm",
    "Scope",
    "check_rule",
    "compile_rule",
    "infer_scope",
    "show_fault",
]
