"""The kinds of customers a sample bank has, and the codes its systems use. Figures are plausible, not measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

OCCUPATIONS = ("farmer", "worker", "clerk", "professional", "merchant", "retired", "student", "executive")
INDUSTRIES = ("manufacturing", "retail_trade", "agriculture", "services")
KINDS = (
    "salary", "pension", "transfer_in", "transfer_out", "card_payment", "cash_in", "cash_out", "fee", "interest",
    "loan_payment", "utility", "insurance_premium", "investment_buy", "investment_sell", "merchant_income",
    "payroll_out",
)  # fmt: skip
INCOMING = frozenset({"salary", "pension", "transfer_in", "cash_in", "interest", "investment_sell", "merchant_income"})
CHANNELS = ("app", "web", "branch", "atm", "pos", "wecom", "phone")
EVENTS = (
    "app_opened", "page_viewed", "product_viewed", "loan_started", "loan_submitted", "transfer_made",
    "complaint_opened", "complaint_closed", "branch_visited", "call_answered", "car_service_used",
    "child_account_viewed",
)  # fmt: skip


class Life(IntEnum):
    """Where a customer stands in the relationship when the history ends."""

    ACTIVE = 0
    """Carries on as always."""
    NEW = 1
    """Opened within the last 90 days."""
    AT_RISK = 2
    """Draws the balance down."""
    DORMANT = 3
    """Has not moved for half a year or more."""
    LOST = 4
    """Closed every account."""
    FUTURE = 5
    """Opens the first account after the history ends."""
    VISITOR = 6
    """Registered in the app only."""


LIFE_SHARES = (0.745, 0.07, 0.05, 0.06, 0.035, 0.01, 0.03)
"""Share of each life among customers of ordinary archetypes."""


@dataclass(frozen=True)
class Archetype:
    """One kind of customer."""

    name: str
    share: float
    """Share of all customers."""
    age: tuple[int, int]
    """Youngest and oldest."""
    occupations: Mapping[str, float]
    """Occupation, or industry for organisations, with weights."""
    regular_kind: str
    """The kind of its monthly movement, an income but for employers."""
    income: float
    """Median monthly income."""
    wealth: float
    """Median of deposits and investments together."""
    products: Mapping[str, float]
    """Chance to hold each product, beside the current account."""
    kinds: Mapping[str, float]
    """Mix of movements beside regular income and bills."""
    activity: float = 1.0
    """Movements relative to the average customer."""
    app: float = 0.5
    """Chance to use the app."""
    rural: float = 0.2
    """Chance to belong to a rural branch."""
    spread: float = 0.6
    """Spread of income and wealth (sigma of the logarithm)."""
    events: Mapping[str, float] = field(default_factory=dict)
    """Events beyond what everybody does, with weights."""
    life: Life | None = None
    """A fixed life; None: drawn from LIFE_SHARES."""
    organisation: bool = False


_DAILY = {"card_payment": 5.0, "transfer_out": 2.0, "transfer_in": 1.2, "cash_out": 1.0, "cash_in": 0.3, "fee": 0.3,
          "interest": 0.3}  # fmt: skip
_CASH = {"cash_out": 3.0, "cash_in": 2.0, "card_payment": 1.0, "transfer_in": 1.0, "interest": 0.4, "fee": 0.2}
_INVESTING = {**_DAILY, "investment_buy": 1.0, "investment_sell": 0.5}
_TRADING = {"merchant_income": 9.0, "transfer_out": 3.0, "card_payment": 2.0, "cash_in": 1.0, "fee": 0.4,
            "interest": 0.2}  # fmt: skip
_FIRM = {"merchant_income": 6.0, "transfer_out": 6.0, "transfer_in": 3.0, "fee": 0.5, "interest": 0.2, "cash_in": 0.5}
_WORKING = {"worker": 4.0, "clerk": 3.0, "professional": 2.0}

ARCHETYPES: tuple[Archetype, ...] = (
    Archetype("villager", 0.19, (22, 74), {"farmer": 9.0, "worker": 1.0}, "transfer_in", 1_900, 14_000,
              {"P_SAVING": 0.55, "P_TERM": 0.35, "P_CONSUMER": 0.06, "P_INSURANCE": 0.08}, _CASH,
              activity=0.6, app=0.25, rural=0.9),
    Archetype("silver", 0.14, (60, 88), {"retired": 1.0}, "pension", 3_300, 65_000,
              {"P_SAVING": 0.6, "P_TERM": 0.6, "P_WEALTH": 0.1, "P_INSURANCE": 0.12}, _CASH,
              activity=0.7, app=0.2, rural=0.35, spread=0.9, events={"branch_visited": 2.0}),
    Archetype("payroll", 0.23, (21, 58), _WORKING, "salary", 6_800, 26_000,
              {"P_SAVING": 0.4, "P_TERM": 0.12, "P_CREDITCARD": 0.4, "P_CONSUMER": 0.12, "P_MORTGAGE": 0.14,
               "P_FUND_STEADY": 0.12, "P_FUND_EQUITY": 0.06}, _INVESTING,
              activity=1.4, app=0.8, events={"loan_started": 0.3, "product_viewed": 1.0}),
    Archetype("merchant", 0.06, (24, 62), {"merchant": 1.0}, "merchant_income", 14_000, 48_000,
              {"P_COLLECT": 0.8, "P_SAVING": 0.3, "P_CONSUMER": 0.2, "P_CREDITCARD": 0.3}, _TRADING,
              activity=1.8, app=0.85, rural=0.3, events={"loan_started": 0.6}),
    Archetype("private_banking", 0.006, (34, 76), {"executive": 5.0, "professional": 2.0, "merchant": 2.0},
              "salary", 62_000, 6_500_000,
              {"P_SAVING": 0.8, "P_TERM": 0.5, "P_WEALTH": 0.85, "P_FUND_STEADY": 0.5, "P_FUND_EQUITY": 0.5,
               "P_INSURANCE": 0.5, "P_CREDITCARD": 0.8}, _INVESTING,
              activity=1.2, app=0.75, spread=0.5, events={"product_viewed": 2.0, "call_answered": 1.5}),
    Archetype("car_owner", 0.07, (25, 60), _WORKING, "salary", 8_600, 42_000,
              {"P_SAVING": 0.4, "P_CREDITCARD": 0.6, "P_CONSUMER": 0.2, "P_INSURANCE": 0.6, "P_FUND_STEADY": 0.1},
              _DAILY, activity=1.3, app=0.85, events={"car_service_used": 4.0}),
    Archetype("family", 0.08, (28, 50), _WORKING, "salary", 9_200, 60_000,
              {"P_SAVING": 0.6, "P_TERM": 0.2, "P_CREDITCARD": 0.5, "P_MORTGAGE": 0.4, "P_INSURANCE": 0.4},
              _DAILY, activity=1.3, app=0.85, events={"child_account_viewed": 4.0}),
    Archetype("middle_class", 0.09, (30, 62), {"professional": 4.0, "executive": 2.0, "clerk": 2.0},
              "salary", 17_000, 380_000,
              {"P_SAVING": 0.6, "P_TERM": 0.35, "P_WEALTH": 0.4, "P_FUND_STEADY": 0.35, "P_FUND_EQUITY": 0.25,
               "P_CREDITCARD": 0.65, "P_MORTGAGE": 0.3, "P_INSURANCE": 0.3}, _INVESTING,
              activity=1.4, app=0.85, events={"product_viewed": 1.5}),
    Archetype("student", 0.05, (17, 25), {"student": 1.0}, "transfer_in", 1_500, 2_600,
              {"P_SAVING": 0.2, "P_CREDITCARD": 0.08}, _DAILY, activity=0.9, app=0.95, rural=0.1),
    Archetype("dormant", 0.035, (22, 80), {"worker": 4.0, "farmer": 3.0, "retired": 2.0}, "transfer_in", 900, 3_000,
              {"P_SAVING": 0.3}, _CASH, activity=0.3, app=0.15, rural=0.4, life=Life.DORMANT),
    Archetype("lost", 0.019, (22, 80), {"worker": 4.0, "clerk": 3.0, "retired": 2.0}, "salary", 4_000, 9_000,
              {"P_SAVING": 0.4}, _DAILY, activity=0.5, app=0.3, life=Life.LOST),
    Archetype("employer", 0.016, (1, 25), {"manufacturing": 4.0, "services": 3.0, "retail_trade": 2.0,
              "agriculture": 1.0}, "payroll_out", 240_000, 900_000,
              {"P_CORP_DEPOSIT": 0.6, "P_CORP_LOAN": 0.35}, _FIRM, activity=2.2, app=0.6, spread=1.0,
              organisation=True),
    Archetype("company", 0.014, (0, 20), {"retail_trade": 4.0, "services": 3.0, "manufacturing": 2.0,
              "agriculture": 2.0}, "merchant_income", 60_000, 180_000,
              {"P_CORP_DEPOSIT": 0.3, "P_CORP_LOAN": 0.2, "P_COLLECT": 0.4}, _FIRM, activity=1.5, app=0.5,
              spread=0.9, organisation=True),
)  # fmt: skip


@dataclass(frozen=True)
class Product:
    """One product of the sample bank, a row of product.csv."""

    product_id: str
    name: str
    category: str
    asset_class: str | None
    risk_level: str | None
    customer_rate: float
    fee_rate: float
    risk_weight: float


PRODUCTS: tuple[Product, ...] = (
    Product("P_CURRENT", "活期账户", "deposit", "liquid", "R1", 0.002, 0.0, 0.0),
    Product("P_SAVING", "灵活存款", "deposit", "liquid", "R1", 0.006, 0.0, 0.0),
    Product("P_TERM", "定期存款", "deposit", "steady", "R1", 0.021, 0.0, 0.0),
    Product("P_MORTGAGE", "住房按揭贷款", "loan", None, None, 0.041, 0.0, 0.5),
    Product("P_CONSUMER", "消费贷款", "loan", None, None, 0.072, 0.0, 0.75),
    Product("P_CREDITCARD", "信用卡", "card", None, None, 0.15, 0.0, 0.75),
    Product("P_FUND_STEADY", "稳健债券基金", "fund", "steady", "R2", 0.0, 0.006, 0.0),
    Product("P_FUND_EQUITY", "股票基金", "fund", "aggressive", "R4", 0.0, 0.012, 0.0),
    Product("P_WEALTH", "净值型理财", "wealth", "steady", "R3", 0.0, 0.004, 0.0),
    Product("P_INSURANCE", "长期保险", "insurance", "protection", "R2", 0.0, 0.02, 0.0),
    Product("P_COLLECT", "收款码", "payment", None, None, 0.0, 0.0, 0.0),
    Product("P_CORP_DEPOSIT", "单位存款", "deposit", "liquid", "R1", 0.009, 0.0, 0.0),
    Product("P_CORP_LOAN", "企业流动资金贷款", "loan", None, None, 0.052, 0.0, 1.0),
)
PRODUCT_CODE = {product.product_id: code for code, product in enumerate(PRODUCTS)}
WEALTH_SPLIT = {"P_CURRENT": 1.0, "P_SAVING": 1.5, "P_TERM": 4.0, "P_FUND_STEADY": 1.5, "P_FUND_EQUITY": 1.2,
                "P_WEALTH": 4.0, "P_INSURANCE": 0.8, "P_CORP_DEPOSIT": 3.0}  # fmt: skip
"""How a customer's wealth is divided among the products held."""
LOANS = {"P_MORTGAGE": (85.0, 240), "P_CONSUMER": (7.0, 36), "P_CORP_LOAN": (12.0, 24)}
"""Loan product: principal in monthly incomes, term in months."""
INVESTMENTS = ("P_FUND_STEADY", "P_FUND_EQUITY", "P_WEALTH")
"""Products that investment movements go to, the first one held."""
