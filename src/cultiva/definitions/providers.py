"""Providers: who carries the messages of a channel, and how they are spoken to. Secrets are named, never written."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, WithJsonSchema

from cultiva.definitions.base import Definition, Model, Name

ProviderKind = Literal["smtp", "sms_http", "smpp", "push", "webhook", "wecom", "file"]
"""The protocols that there are."""
_NAMED = re.compile(r"\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:[^}]+)\}")


def _secret_name(value: object) -> object:
    """Refuses a written secret without repeating it: a fault shows values that it has seen, this one it must not."""
    if not isinstance(value, str) or not _NAMED.fullmatch(value):
        raise ValueError("a secret is named, never written: ${env:NAME} or ${file:PATH}")
    return value


Secret = Annotated[
    str, BeforeValidator(_secret_name), WithJsonSchema({"type": "string", "pattern": f"^{_NAMED.pattern}$"})
]
"""The name of a secret: `${env:NAME}` of the environment, or `${file:PATH}` of a file that holds nothing else."""


class Dkim(Model):
    """The signature under an e-mail, RFC 6376."""

    domain: str
    """Domain that signs (d=)."""
    selector: str
    """Which of its keys (s=)."""
    key: Secret
    """Private RSA key in PEM."""


class ReportFields(Model):
    """How a provider's reports are read: dotted paths into its JSON."""

    items: str = "reports"
    """Path of the list of reports; empty: the document is the list, or one report."""
    id: str = "id"
    """Path of the report's own id; a report without one is known by its content."""
    key: str = "key"
    """Path of our key, where it is handed back."""
    reference: str = "reference"
    """Path of the provider's id of the message."""
    address: str = "address"
    """Path of the address."""
    kind: str = "kind"
    """Path of what happened."""
    at: str = "at"
    """Path of when, in ISO 8601 or seconds since 1970."""
    kinds: dict[str, str] = {}
    """The provider's word -> delivered, bounced, opened, clicked, replied, opted_out, confirmed, failed."""
    next: str = "next"
    """Path of the cursor of the next page, handed back as `{cursor}` in `reports_url`."""


class SmtpSettings(Model):
    """An e-mail relay."""

    sender: str
    """The From address, `bank@example.com` or `The Bank <bank@example.com>`."""
    starttls: bool = True
    """Whether the connection must be encrypted; a relay that cannot is refused."""
    ca_file: str | None = None
    """Certificates that are trusted beside the system's, relative to the workspace."""
    user: Secret | None = None
    """Login name."""
    password: Secret | None = None
    """Its password."""
    unsubscribe_mail: str | None = None
    """Address that takes opt-outs by mail, for List-Unsubscribe."""
    dkim: Dkim | None = None
    """Signs every message; None: the relay does, or nobody."""
    trace_url: str | None = None
    """Message trace of the relay: a URL with `{key}` that answers 200 for a known Message-ID and 404 for an unknown."""
    reports_url: str | None = None
    """Where bounces, opens and opt-outs are fetched."""
    reports: ReportFields = ReportFields()
    """How they are read."""
    per_connection_max: int = Field(default=500, gt=0)
    """Messages after which a new connection is opened."""


class Verdicts(Model):
    """What an answer of 2xx says in its body, where the status is not all."""

    path: str
    """Dotted path of the code."""
    accepted: tuple[str, ...]
    """Codes of acceptance."""
    refused: tuple[str, ...] = ()
    """Codes of what can never be sent."""
    later: tuple[str, ...] = ()
    """Codes of what may be tried again; any other code leaves the fate unknown."""


class GatewaySettings(Model):
    """An SMS gateway over HTTP, of any make."""

    headers: dict[str, str] = {}
    """Headers; `{key}` and the like, and `${env:NAME}` within a text, are filled in."""
    body: dict[str, JsonValue] = {"to": "{address}", "text": "{content.text}"}
    """JSON body; in every text `{key}`, `{address}`, `{content.NAME}`, `{extra.NAME}`, `${env:NAME}` are filled in."""
    verdicts: Verdicts | None = None
    """How a 2xx answer is read; None: it means acceptance."""
    reference: str = "id"
    """Path of the gateway's id of the message."""
    idempotent: bool = False
    """Whether a message sent twice with the same key is delivered once."""
    look_up_url: str | None = None
    """URL with `{key}` that answers 200 for a known message and 404 for an unknown one."""
    reports_url: str | None = None
    """Where reports are fetched, with `{cursor}`; None: they come by webhook."""
    reports: ReportFields = ReportFields()
    """How reports are read, fetched or pushed."""
    reports_secret: Secret | None = None
    """Key of the HMAC under pushed reports; without it no pushed report is taken."""
    concurrency: int = Field(default=16, gt=0, le=256)
    """Requests at the same time within a batch."""


class SmppSettings(Model):
    """A short message centre, SMPP 3.4."""

    system_id: Secret
    """Login name."""
    password: Secret
    """Its password, at most 8 characters."""
    system_type: str = Field(default="", max_length=12)
    """As the centre wants it."""
    sender: str = Field(max_length=20)
    """Source address: a number or a name."""
    sender_ton: int = Field(default=5, ge=0, le=255)
    """Type of number of the sender; 5: alphanumeric."""
    sender_npi: int = Field(default=0, ge=0, le=255)
    """Numbering plan of the sender."""
    address_ton: int = Field(default=1, ge=0, le=255)
    """Type of number of the customer; 1: international."""
    address_npi: int = Field(default=1, ge=0, le=255)
    """Numbering plan of the customer; 1: E.164."""
    window: int = Field(default=16, gt=0, le=512)
    """Messages that wait for an answer at the same time."""
    enquire_seconds: float = Field(default=30.0, gt=0)
    """Silence after which the link is tried before it is used."""
    key_tag: int | None = Field(default=None, ge=0x1400, le=0x3FFF)
    """Vendor parameter that takes our key as message id, for query_sm; None: a centre knows only its own ids."""


class PushSettings(Model):
    """Anything that apprise speaks."""

    repeatable: bool = False
    """Whether a message shown twice does no harm: a failed one is then tried again, else it is unknown."""


class WebhookSettings(Model):
    """A system of the bank's own that takes signed messages."""

    secret: Secret
    """Key of the HMAC."""
    idempotent: bool = True
    """Whether the receiver takes a key once, as the contract of the webhook says."""
    look_up_url: str | None = None
    """URL with `{key}` that answers 200 for a known message and 404 for an unknown one."""
    concurrency: int = Field(default=16, gt=0, le=256)
    """Requests at the same time within a batch."""


class WecomSettings(Model):
    """WeCom (企业微信): tasks that an employee confirms."""

    corp_id: str
    """Id of the bank at WeCom."""
    secret: Secret
    """Secret of the application for customer contact (客户联系)."""
    mode: Literal["single", "group", "moments"] = "single"
    """To customers one by one, to customer groups, or to the employee's moments (朋友圈)."""
    per_customer_max: int = Field(default=1, gt=0)
    """Messages that the platform lets a customer get within `per_customer_days`."""
    per_customer_days: int = Field(default=1, gt=0)
    """Days of that quota."""
    results_days: int = Field(default=7, gt=0, le=30)
    """How many days back results are asked for."""
    results_every_seconds: float = Field(default=300.0, ge=0)
    """Seconds between two rounds of asking; the platform counts calls."""
    remind_after_hours: float | None = Field(default=None, gt=0)
    """Hours after which an employee who has not confirmed a task is reminded, and again after as many; None: never."""
    reminders_max: int = Field(default=1, gt=0, le=3)
    """Reminders per task; the platform lets through three within 24 hours."""
    callback_token: Secret | None = None
    """Token of the application's callbacks (接收消息); None: none are taken."""
    callback_key: Secret | None = None
    """EncodingAESKey of the application's callbacks."""


class FileSettings(Model):
    """Files that another system takes away."""

    columns: dict[str, str] = {"key": "{key}", "address": "{address}", "text": "{content.text}"}
    """Column -> what is filled in."""
    byte_order_mark: bool = False
    """Whether the file begins with one, for spreadsheets."""


class ProviderSettings(Definition):
    """One provider: what all have, and a section of its own kind."""

    kind: ProviderKind
    """The protocol."""
    url: str
    """Where it is: smtp://, https://, smpp://; an apprise URL, or the name of one; for kind file a folder."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=300)
    """Longest time that one message takes."""
    per_second_max: float | None = Field(default=None, gt=0)
    """Messages a second that it takes, over all workers; None: no limit."""
    batch: int = Field(default=100, gt=0, le=10_000)
    """Messages handed over at a time."""
    smtp: SmtpSettings | None = None
    """For kind smtp."""
    sms_http: GatewaySettings | None = None
    """For kind sms_http; may be left out."""
    smpp: SmppSettings | None = None
    """For kind smpp."""
    push: PushSettings | None = None
    """For kind push; may be left out."""
    webhook: WebhookSettings | None = None
    """For kind webhook."""
    wecom: WecomSettings | None = None
    """For kind wecom."""
    file: FileSettings | None = None
    """For kind file; may be left out."""

    def section(self) -> Any:
        """The settings of its own kind; the default ones where they may be left out."""
        own = getattr(self, self.kind)
        return own if own is not None else OPTIONAL[self.kind]()


SECTIONS: tuple[Name, ...] = ("smtp", "sms_http", "smpp", "push", "webhook", "wecom", "file")
"""Names of the sections."""
OPTIONAL: dict[str, type[Model]] = {"sms_http": GatewaySettings, "push": PushSettings, "file": FileSettings}
"""Kinds whose section may be left out."""
