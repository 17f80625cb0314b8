"""What becomes of a delivery, decided from what its provider said or did not say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cultiva.contracts.delivery import Receipt, Sent
from cultiva.execution.dispatch.records import OVER, Claimed, Evidence, Lane, Policy, Ready, State, Verdict
from cultiva.kit.hashing import draw
from cultiva.kit.masking import mask_text

DOUBTS = frozenset({"sent", "lost"})
"""Kinds of evidence after which a message may have arrived; a look-up that finds nothing clears them."""
PROBLEM_MAX = 500
"""Characters of a problem that are kept."""


def pause(delivery_id: str, attempts: int, policy: Policy) -> timedelta:
    """How long to wait before the next attempt: doubled every time, drawn out by the delivery's hash.

    Args:
        delivery_id: Of which delivery.
        attempts: Made so far, at least 1.
        policy: First and longest pause, jitter.

    Examples:
        >>> [round(pause("d1", n, Policy(jitter=0)).total_seconds()) for n in (1, 2, 3, 12)]
        [30, 60, 120, 14400]
    """
    doubled = policy.backoff_first * 2 ** min(attempts - 1, 30)
    spread = 1 + policy.jitter * draw(f"backoff:{attempts}", delivery_id)
    return min(doubled, policy.backoff_max) * spread


def answered(
    ready: Sequence[Ready], receipts: Sequence[Receipt], lane: Lane, policy: Policy, at: datetime
) -> list[Verdict]:
    """Verdicts on messages that were handed to the provider; one without a receipt may have arrived."""
    said = {receipt.key: receipt for receipt in receipts}
    found = [_answered(one.claimed, said.get(one.claimed.delivery_id), lane, policy, at=at) for one in ready]
    return [honest(one, at) for one in found]


def _answered(claimed: Claimed, receipt: Receipt | None, lane: Lane, policy: Policy, *, at: datetime) -> Verdict:
    if receipt is None:
        return _in_doubt(claimed, lane, policy, at, said=_clue(at, "sent", "the provider gave no receipt"))
    problem = _short(receipt.problem)
    if receipt.sent is Sent.ACCEPTED:
        return Verdict(claimed, State.SENT, reference=receipt.reference)
    if receipt.sent is Sent.REFUSED:
        return Verdict(claimed, State.FAILED, problem=problem or "refused", reference=receipt.reference)
    if receipt.sent is Sent.LATER:
        return again(claimed, policy, at, problem=problem, at_least=receipt.retry_after)
    return _in_doubt(claimed, lane, policy, at, said=_clue(at, "sent", problem or "it may have been accepted"))


def again(claimed: Claimed, policy: Policy, at: datetime, *, problem: str, at_least: float | None = None) -> Verdict:
    """Another attempt of a message that surely was not accepted, or a dead letter after the last one."""
    made = claimed.attempts + 1
    if made >= policy.attempts_max:
        return Verdict(claimed, State.DEAD, problem=problem or "not accepted")
    wait = max(pause(claimed.delivery_id, made, policy), timedelta(seconds=at_least or 0))
    due = at + wait
    return Verdict(claimed, State.QUEUED, due=min(due, claimed.expires or due), problem=problem)


def _in_doubt(claimed: Claimed, lane: Lane, policy: Policy, at: datetime, *, said: Mapping[str, str]) -> Verdict:
    """May or may not have been accepted: repeated if that is safe, else asked about, else shown to a person."""
    if lane.provider.repeats_safely:
        made = claimed.attempts + 1
        if made < policy.attempts_max:
            due = at + pause(claimed.delivery_id, made, policy)
            return Verdict(claimed, State.QUEUED, due=due, problem=said["said"], evidence=[said])
    elif lane.provider.traceable:
        return Verdict(claimed, State.SENDING, due=at, problem=said["said"], evidence=[said])
    return Verdict(claimed, State.UNKNOWN, problem=said["said"], evidence=[said])


def lost(claimed: Claimed, lane: Lane, policy: Policy, at: datetime) -> Verdict:
    """Verdict on a message whose worker fell silent between marking and recording. Its attempt is counted already."""
    said = _clue(at, "lost", "its worker fell silent while sending", by=claimed.lease)
    if lane.provider.repeats_safely and claimed.attempts < policy.attempts_max:
        return Verdict(claimed, State.QUEUED, due=at, problem=said["said"], evidence=[said])
    if lane.provider.traceable and not lane.provider.repeats_safely:
        return Verdict(claimed, State.SENDING, due=at, problem=said["said"], evidence=[said] if claimed.lease else [])
    return Verdict(claimed, State.UNKNOWN, problem=said["said"], evidence=[said])


def looked_up(claimed: Claimed, receipt: Receipt | None, policy: Policy, at: datetime) -> Verdict:
    """Verdict on a message in doubt, from what its provider says when asked."""
    verdict = receipt.sent if receipt else Sent.UNKNOWN
    if receipt and verdict is Sent.ACCEPTED:
        said = [_clue(at, "look_up", "the provider has it")]
        return Verdict(claimed, State.SENT, reference=receipt.reference, evidence=said)
    if receipt and verdict is Sent.REFUSED:
        refused = _short(receipt.problem) or "refused"
        return Verdict(claimed, State.FAILED, problem=refused, evidence=[_clue(at, "look_up", refused)])
    if verdict is Sent.ABSENT:
        said = [_clue(at, "look_up", "the provider has never seen it")]
        if claimed.attempts >= policy.attempts_max:
            return Verdict(claimed, State.DEAD, problem="never reached the provider", evidence=said)
        return Verdict(claimed, State.QUEUED, due=at, problem="never reached the provider", evidence=said)
    clue = _clue(at, "look_up", _short(receipt.problem if receipt else "") or "the provider cannot tell")
    asked = 1 + sum(one.get("kind") == "look_up" for one in claimed.evidence)
    if asked >= policy.lookups_max:
        return Verdict(claimed, State.UNKNOWN, problem=clue["said"], evidence=[clue])
    due = at + pause(claimed.delivery_id, asked, policy)
    return Verdict(claimed, State.SENDING, due=due, problem=clue["said"], evidence=[clue])


def honest(verdict: Verdict, at: datetime) -> Verdict:
    """The verdict, but where a message ends as not sent of which an earlier attempt may have arrived: nobody knows.

    That a provider refuses a repetition, or that nobody may repeat it any more, says nothing of the attempt before.
    """
    known = evidence_of(verdict.claimed, verdict.evidence)
    if verdict.state not in OVER or not known or known[-1]["kind"] not in DOUBTS:
        return verdict
    said = _clue(at, "ended", f"{verdict.state.value}: {verdict.problem}")
    return replace(verdict, state=State.UNKNOWN, evidence=[*verdict.evidence, said])


def evidence_of(claimed: Claimed, more: Evidence) -> list[Mapping[str, str]]:
    """What was known and what is known now."""
    return [*claimed.evidence, *more]


def _clue(at: datetime, kind: str, said: str, *, by: str = "") -> dict[str, str]:
    clue = {"at": at.isoformat(timespec="milliseconds"), "kind": kind, "said": said}
    return {**clue, "by": by} if by else clue


def _short(problem: str) -> str:
    return mask_text(problem)[:PROBLEM_MAX]
