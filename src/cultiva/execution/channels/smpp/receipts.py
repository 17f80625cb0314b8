"""What a centre says of a message: the codes of its answers, and its receipts (SMPP 3.4, appendix B). Pure."""

from __future__ import annotations

import re
from datetime import datetime

from cultiva.contracts.delivery import Receipt, Report, Sent
from cultiva.execution.channels.smpp.pdu import (
    BAD_DESTINATION,
    IS_RECEIPT,
    MESSAGE_STATE,
    RECEIPTED_ID,
    BadPacket,
    Pdu,
    ShortMessage,
    read_message,
)
from cultiva.execution.channels.smpp.texts import text_of
from cultiva.kit.hashing import content_hash

REFUSALS = frozenset(
    {0x01, 0x02, 0x06, 0x07, BAD_DESTINATION, 0x33, 0x40, 0x42, 0x48, 0x49, 0x50, 0x51, 0xC0, 0xC2, 0xC3, 0xC4}
)
"""Codes about this message: its length, address, class, options. All others are about us or about now."""
STATES = {"DELIVRD": "delivered", "EXPIRED": "failed", "DELETED": "failed", "UNDELIV": "bounced", "REJECTD": "failed"}
"""Final states of a receipt -> kind of report; ENROUTE, ACCEPTD and UNKNOWN say nothing yet."""
STATE_NUMBERS = {2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 8: "REJECTD"}
"""message_state -> the same."""
_ID = re.compile(r"\bid:(\S+)")
_STATE = re.compile(r"\bstat:(\w+)")


def verdict(status: int) -> Sent:
    """What a status other than OK means for a message: nothing of it was accepted."""
    return Sent.REFUSED if status in REFUSALS else Sent.LATER


def together(key: str, parts: list[Receipt]) -> Receipt:
    """What became of a message of several parts: a part of it accepted is neither yes nor no.

    Args:
        key: Of the message.
        parts: Receipts of its parts, in order; not empty.
    """
    sents = {part.sent for part in parts}
    if len(sents) == 1:
        return Receipt(key, parts[0].sent, reference=parts[-1].reference, problem=parts[0].problem)
    if sents <= {Sent.REFUSED, Sent.LATER}:
        worst = next(part for part in parts if part.sent is Sent.REFUSED)
        return Receipt(key, Sent.REFUSED, problem=worst.problem)
    accepted = sum(part.sent is Sent.ACCEPTED for part in parts)
    problems = sorted({part.problem for part in parts if part.problem})
    return Receipt(key, Sent.UNKNOWN, problem=f"{accepted} of {len(parts)} parts accepted; {', '.join(problems)}")


def report_of(pdu: Pdu, *, received: datetime) -> Report | None:
    """The report in a deliver_sm: a receipt, or an answer of the customer; None if it says nothing final."""
    try:
        message = read_message(pdu.body)
    except BadPacket:
        return None
    text = text_of(message.coding, message.text, has_header=bool(message.esm_class & 0x40))
    if not message.esm_class & IS_RECEIPT:
        detail = {"text": text}
        name = content_hash([message.source, message.destination, text, received.isoformat()])
        return Report(name, "replied", received, address=message.source, detail=detail)
    reference, state = _receipted(message, text)
    kind = STATES.get(state, "")
    if not kind or not reference:
        return None
    return Report(f"{reference}:{state}", kind, received, reference=reference, detail={"said": state})


def _receipted(message: ShortMessage, text: str) -> tuple[str, str]:
    """The id and the state that a receipt names: by parameters, else in its text."""
    found_id, found_state = _ID.search(text), _STATE.search(text)
    reference = message.parameters.get(RECEIPTED_ID, b"").rstrip(b"\0").decode("latin-1")
    number = message.parameters.get(MESSAGE_STATE, b"\0")[0]
    state = STATE_NUMBERS.get(number, found_state[1].upper()[:7] if found_state else "")
    return reference or (found_id[1] if found_id else ""), state
