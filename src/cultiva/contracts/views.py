"""Row views: what aggregate tags, value components and event functions are computed over.

A view is a canonical table with the customer it belongs to and what is known about it from other tables.
Each has `customer_id` beside the columns listed.
"""

from __future__ import annotations

from cultiva.contracts.tables import ACCOUNT, CONTACT, EVENT, OUTCOME, SURVEY_ANSWER, TRANSACTION
from cultiva.contracts.types import Column, DataType, TableSchema

_PRODUCT = (
    Column("category", DataType.TEXT, doc="product category"),
    Column("asset_class", DataType.TEXT, doc="TREE bucket of the product"),
)

TRANSACTION_VIEW = TableSchema(
    name="transaction",
    doc="movements on accounts that the customer owns",
    columns=(*TRANSACTION.columns, Column("product_id", DataType.TEXT), *_PRODUCT),
    key=TRANSACTION.key,
    time="at",
)
HOLDING_VIEW = TableSchema(
    name="holding",
    doc="accounts that the customer holds and that were opened by the business date, with balances known then",
    columns=(
        *ACCOUNT.columns,
        Column("role", DataType.TEXT, doc="owner, joint or authorised; money belongs to the owner"),
        *_PRODUCT,
        Column("risk_level", DataType.TEXT),
        Column("customer_rate", DataType.NUMBER),
        Column("fee_rate", DataType.NUMBER),
        Column("risk_weight", DataType.NUMBER),
        Column("is_open", DataType.BOOLEAN, doc="not closed by the business date"),
        Column("balance", DataType.MONEY, doc="last known balance; 0 if none, or closed"),
        Column("credit_limit", DataType.MONEY, doc="last known credit line"),
        Column(
            "balance_30d_ago",
            DataType.MONEY,
            doc="balance 30 days before the business date; 0 before opening and after closing",
        ),
        Column("balance_90d_ago", DataType.MONEY),
        Column("balance_365d_ago", DataType.MONEY),
        Column(
            "average_balance_30d",
            DataType.MONEY,
            doc="sum of the last 30 days' balances, the business date included, by 30",
        ),
        Column("average_balance_90d", DataType.MONEY),
        Column("average_balance_365d", DataType.MONEY),
    ),
    key=("account_id", "customer_id"),
    time="opened_on",
)
EVENT_VIEW = TableSchema(name="event", doc=EVENT.doc, columns=EVENT.columns, key=EVENT.key, time="at")
CONTACT_VIEW = TableSchema(name="contact", doc=CONTACT.doc, columns=CONTACT.columns, key=CONTACT.key, time="at")
OUTCOME_VIEW = TableSchema(name="outcome", doc=OUTCOME.doc, columns=OUTCOME.columns, key=OUTCOME.key, time="at")
SURVEY_VIEW = TableSchema(
    name="survey_answer",
    doc=SURVEY_ANSWER.doc,
    columns=SURVEY_ANSWER.columns,
    key=SURVEY_ANSWER.key,
    time="at",
)

VIEWS: dict[str, TableSchema] = {
    view.name: view for view in (TRANSACTION_VIEW, HOLDING_VIEW, EVENT_VIEW, CONTACT_VIEW, OUTCOME_VIEW, SURVEY_VIEW)
}
"""Every view by its name."""
