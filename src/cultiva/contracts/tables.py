"""The canonical tables of a bank: what `sources/` maps a bank's own tables to."""

from __future__ import annotations

from cultiva.contracts.types import Column, DataType, TableSchema

BOOLEAN, INTEGER, NUMBER, MONEY = DataType.BOOLEAN, DataType.INTEGER, DataType.NUMBER, DataType.MONEY
TEXT, DATE, TIMESTAMP = DataType.TEXT, DataType.DATE, DataType.TIMESTAMP


def _table(
    name: str, doc: str, key: str, *columns: Column, time: str | None = None, since: str | None = None
) -> TableSchema:
    return TableSchema(name=name, doc=doc, key=tuple(key.split()), columns=columns, time=time, since=since)


def _text(names: str, *, required: bool = False, personal: bool = False) -> tuple[Column, ...]:
    return tuple(Column(name, TEXT, required=required, personal=personal) for name in names.split())


PARTY = _table(
    "party",
    "what one source system calls a customer; several make one customer",
    "source_system source_id",
    *_text("source_system source_id", required=True),
    Column("party_type", TEXT, required=True, codes=("person", "organisation")),
    *_text("name", personal=True),
    Column("birth_date", DATE, personal=True, past=True),
    Column("gender", TEXT, codes=("female", "male", "other")),
    *_text("id_type"),
    *_text("id_number_hash phone email address", personal=True),
    *_text("region_code branch_id adviser_id"),
    *_text("occupation industry employer"),
    Column("risk_rating", TEXT, codes=("C1", "C2", "C3", "C4", "C5")),
    Column("risk_rated_on", DATE, past=True),
    Column("opened_on", DATE, doc="when the relationship began in this system"),
    since="opened_on",
)
ACCOUNT = _table(
    "account",
    "an account of whatever product",
    "account_id",
    *_text("account_id product_id", required=True),
    *_text("branch_id"),
    Column("opened_on", DATE, required=True),
    Column("closed_on", DATE),
    *_text("currency"),
    Column("status", TEXT, doc="as the bank says it, e.g. active, frozen, matured"),
    since="opened_on",
)
HOLDER = _table(
    "holder",
    "who holds an account",
    "account_id source_system source_id",
    *_text("account_id source_system source_id", required=True),
    Column("role", TEXT, required=True, codes=("owner", "joint", "authorised")),
)
BALANCE = _table(
    "balance",
    "an account's balance at the end of a day; a day without a row keeps the last one",
    "account_id date",
    *_text("account_id", required=True),
    Column("date", DATE, required=True),
    Column(
        "balance",
        MONEY,
        required=True,
        doc="positive in the customer's favour; a loan's is what is owed, positive",
    ),
    Column("limit", MONEY, doc="credit line"),
    time="date",
)
TRANSACTION = _table(
    "transaction",
    "one movement on an account",
    "transaction_id",
    *_text("transaction_id account_id", required=True),
    Column("at", TIMESTAMP, required=True),
    Column("amount", MONEY, required=True, doc="positive in, negative out"),
    *_text("kind channel counterparty_account merchant_id"),
    time="at",
)
EVENT = _table(
    "event",
    "something a customer did or lived through: app, web, branch, phone",
    "event_id",
    *_text("event_id", required=True),
    *_text("source_system source_id", required=True),
    Column("at", TIMESTAMP, required=True),
    Column("name", TEXT, required=True, doc="past tense, e.g. loan_started"),
    *_text("channel"),
    Column("properties", TEXT, doc="JSON object; its typed members are declared in the workspace's events"),
    time="at",
)
PRODUCT = _table(
    "product",
    "what the bank sells",
    "product_id",
    *_text("product_id", required=True),
    *_text("name"),
    Column(
        "category",
        TEXT,
        required=True,
        codes=("deposit", "loan", "card", "fund", "insurance", "wealth", "payment"),
    ),
    Column("asset_class", TEXT, codes=("liquid", "protection", "steady", "aggressive")),
    Column("risk_level", TEXT, codes=("R1", "R2", "R3", "R4", "R5")),
    Column("customer_rate", NUMBER, doc="yearly rate paid to (deposit) or by (loan) the customer"),
    Column("fee_rate", NUMBER, doc="yearly fee as a share of the balance"),
    Column("risk_weight", NUMBER, doc="risk-weighted assets per unit of balance"),
)
BRANCH = _table(
    "branch",
    "a place of the bank",
    "branch_id",
    *_text("branch_id", required=True),
    *_text("name region_code"),
    Column("longitude", NUMBER),
    Column("latitude", NUMBER),
    *_text("peer_group"),
)
STAFF = _table(
    "staff",
    "someone who serves customers",
    "staff_id",
    *_text("staff_id branch_id role", required=True),
    *_text("name", personal=True),
    Column("contacts_per_week_max", INTEGER, required=True, minimum=0),
)
CONTACT = _table(
    "contact",
    "history of touches, our own or brought in from elsewhere",
    "touch_id",
    *_text("touch_id source_system source_id", required=True),
    Column("at", TIMESTAMP, required=True),
    *_text("channel", required=True),
    *_text("strategy offer wave status"),
    time="at",
)
OUTCOME = _table(
    "outcome",
    "what a customer did: response, conversion, money",
    "outcome_id",
    *_text("outcome_id source_system source_id", required=True),
    Column("at", TIMESTAMP, required=True),
    *_text("name", required=True),
    Column("amount", MONEY),
    time="at",
)
RELATIONSHIP = _table(
    "relationship",
    "a link between two parties",
    "from_system from_id to_system to_id kind",
    *_text("from_system from_id to_system to_id kind", required=True),
    Column("weight", NUMBER),
    Column("since", DATE),
    *_text("source"),
    since="since",
)
CONSENT = _table(
    "consent",
    "the last word of a customer on a purpose and a channel",
    "source_system source_id purpose channel",
    *_text("source_system source_id purpose channel", required=True),
    Column("granted", BOOLEAN, required=True),
    Column("at", TIMESTAMP, required=True),
    *_text("evidence"),
    since="at",
)
SURVEY_ANSWER = _table(
    "survey_answer",
    "one answer to one survey",
    "answer_id",
    *_text("answer_id source_system source_id survey", required=True),
    *_text("touchpoint"),
    Column("at", TIMESTAMP, required=True),
    Column("score", INTEGER),
    *_text("text", personal=True),
    time="at",
)
PARTNER = _table("partner", "who supplies benefits", "partner_id", *_text("partner_id", required=True),
                 *_text("name category region_code"), Column("quota", INTEGER, minimum=0))  # fmt: skip
MERCHANT = _table("merchant", "who takes payments", "merchant_id", *_text("merchant_id", required=True),
                  *_text("name category region_code"))  # fmt: skip
LEAD = _table(
    "lead",
    "someone who may become a customer",
    "lead_id",
    *_text("lead_id source", required=True),
    *_text("referrer_system referrer_id"),
    *_text("name phone email", personal=True),
    Column("at", TIMESTAMP, required=True),
    *_text("status"),
    since="at",
)

CANONICAL: dict[str, TableSchema] = {
    table.name: table
    for table in (
        PARTY, ACCOUNT, HOLDER, BALANCE, TRANSACTION, EVENT, PRODUCT, BRANCH, STAFF, CONTACT, OUTCOME,
        RELATIONSHIP, CONSENT, SURVEY_ANSWER, PARTNER, MERCHANT, LEAD,
    )
}  # fmt: skip
"""Every canonical table by its name."""
