"""Campaigns as tables that people read: launches, one explanation, emergency stops, the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cultiva.execution.audit.chain import Break, Line, Verified
from cultiva.execution.launching.launches import Halt, Launch, State
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.campaign_words import BREAKS, FUNNEL, SOURCES, STATES, TEXTS, TITLES
from cultiva.loop.mapping import names_of
from cultiva.loop.parts import Parts

MONEY = dict.fromkeys(("cost", "worth", "effect", "low", "high", "amount"), ",.2f")
HASH_SHOWN = 12
"""Characters of a hash in a table."""


class CampaignTables:
    """Campaigns in the workspace's language."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.language = parts.workspace.settings.language
        self.currency = parts.workspace.settings.currency
        self.names: Mapping[str, str] = names_of(parts)

    def launches(self, found: Sequence[Launch], halts: Mapping[str, Halt]) -> Sheet:
        """All launches, the newest first, and the emergency stops in force."""
        columns = ("launch", "strategy", "label", "state", "enrols", "date", "cost", "author", "changed")
        rows = [
            (one.launch_id, one.strategy, self.named(one.strategy), self.state(one.state), self.text(one.enrols),
             one.business_date, one.money, one.author, f"{one.changed:%Y-%m-%d %H:%M}")
            for one in found
        ]  # fmt: skip
        return self._sheet("launches", columns, rows, note=self.halted(halts.values()))

    def halted(self, halts: Any) -> str:
        """The emergency stops in force, in one line; empty: none."""
        said = "; ".join(f"{one.scope}: {one.reason} ({one.actor}, {one.at:%Y-%m-%d %H:%M})" for one in halts)
        return f"{self.say(TITLES['halts'])}: {said}" if said else ""

    def explanation(self, told: Mapping[str, Any]) -> list[Sheet]:
        """Everything about one launch."""
        sheets = [self._head(told), *self.named_sheets(told).values(), self._conflicts(told), self._approvals(told)]
        return [one for one in sheets if one.rows]

    def named_sheets(self, told: Mapping[str, Any]) -> Mapping[str, Sheet]:
        """What a launch would do, by name of the part; parts without rows are left out."""
        found = told["explanation"]
        sheets = {
            "funnel": self.funnel(found), "volumes": self._volumes(found), "cost": self._cost(found),
            "effect": self._effect(found), "channels": self._channels(found), "load": self._load(found),
            "held_out": self._held(found), "samples": self._samples(found), "tests": self._tests(found),
        }  # fmt: skip
        return {name: one for name, one in sheets.items() if one.rows}

    def audit(self, lines: Sequence[Line]) -> Sheet:
        """Lines of the audit."""
        rows = [
            (one.number, f"{one.entry.at:%Y-%m-%d %H:%M:%S}", one.entry.actor, one.entry.action, one.entry.subject,
             _brief(one.entry.detail), one.hash[:HASH_SHOWN])
            for one in lines
        ]  # fmt: skip
        return self._sheet("audit", ("number", "at", "actor", "action", "subject", "detail", "hash"), rows)

    def verified(self, found: Verified, unaudited: Mapping[str, tuple[str, State]]) -> list[str]:
        """What a verification has found, in words."""
        lines = [self.say(_whole(found))]
        lines += [
            self.say(Words(f"投放 {name} 的状态是 {state}，审计记录是 {said or '无'}",
                           f"launch {name} is {state}, the audit says {said or 'nothing'}"))
            for name, (said, state) in unaudited.items()
        ]  # fmt: skip
        if found.last is not None:
            lines.append(f"{self.text('anchor')} {found.last}")
        return lines

    def text(self, name: str) -> str:
        """A word of these tables."""
        return self.say(TEXTS[name])

    def say(self, words: Words) -> str:
        """Words in the workspace's language."""
        return say(words, self.language)

    def named(self, name: str) -> str:
        """The label of anything in the workspace."""
        return self.names.get(name, name)

    def state(self, state: State) -> str:
        """What people read for a state."""
        return self.say(STATES[state])

    def _head(self, told: Mapping[str, Any]) -> Sheet:
        launch, found = told["launch"], told["explanation"]
        facts = [
            ("strategy", f"{launch['strategy']} · {found['label'][self.language]}"),
            ("state", self.state(launch["state"])),
            ("author", launch["author"]),
            ("date", f"{launch['business_date']}, {self.text(launch['enrols'])}"),
            ("audience", found["audience"]),
            ("customers", f"{found['customers']:,}"),
            ("cost", f"{launch['cost']:,.2f} {self.currency}"),
            ("version", launch["version"]),
        ]
        if told["changed_since"]:
            facts.append(("attention", self.text("changed_since")))
        facts += [("attention", f"{one['scope']}: {one['reason']}") for one in told["halts"]]
        title = f"{self.say(TITLES['explanation'])} · {launch['launch_id']}"
        return Sheet(title, ("fact", "value"), tuple((self.text(name), value) for name, value in facts),
                     headings={"fact": "", "value": ""})  # fmt: skip

    def funnel(self, found: Mapping[str, Any]) -> Sheet:
        """How many customers are left after every filter."""
        whole = found["funnel"][1]["left"] if len(found["funnel"]) > 1 else 0
        rows = [
            (self._step(one["step"]), one["lost"], one["left"], one["left"] / whole if whole and number else None)
            for number, one in enumerate(found["funnel"])
            if one["lost"] or number < 2
        ]
        return self._sheet("funnel", ("step", "lost", "left", "share"), rows, formats={"share": ".1%"})

    def _step(self, name: str) -> str:
        return self.say(FUNNEL[name]) if name in FUNNEL else self.named(name)

    def _volumes(self, found: Mapping[str, Any]) -> Sheet:
        columns = ("wave", "kind", "channel", "offer", "customers", "unit_cost")
        rows: list[tuple[Any, ...]] = [
            ("", self.text("decided"), self.named(one["channel"]), self.named(one["offer"]), one["customers"],
             one["channel_cost"])
            for one in found["volumes"]
        ]  # fmt: skip
        rows += [
            (one["step"], self.text(one["kind"]), self.named(one["channel"]), self.named(one["offer"]),
             one["customers_max"], None)
            for one in found["waves"]
        ]  # fmt: skip
        return self._sheet("waves", columns, rows, note=self.text("waves_note"), formats={"unit_cost": ",.2f"})

    def _cost(self, found: Mapping[str, Any]) -> Sheet:
        cost = found["cost"]
        words = {"contacts": "contacts_all", "offers": "offers_taken"}
        names = ("first_wave", "contacts", "offers", "offers_most", "grants", "run", "budget", "planned")
        rows = [(self.text(words.get(name, name)), cost[name]) for name in names if cost[name] is not None]
        share = self.text("unknown_take_up") if cost["take_up"] is None else f"{cost['take_up']:.1%}"
        note = f"{self.currency}; {self.text('take_up')}: {share}; {self.text('days')}: {cost['days']}"
        return self._sheet("cost", ("fact", "amount"), rows, note=note)

    def _effect(self, found: Mapping[str, Any]) -> Sheet:
        one = found["effect"]
        source = self.say(SOURCES.get(one["source"], Words(one["source"], one["source"])))
        rows = [
            (self.text("per_customer"), one["per_customer"], one["low"], one["high"], source),
            (self.text("total"), one["total"], one["total_low"], one["total_high"], source),
        ]
        rows += [
            (self.text("in_plan"), part["effect"], None, None,
             f"{self._source(part['source'])}, {part['customers']:,} {self.text('customers')}")
            for part in one["by_source"]
            if part["effect"] is not None
        ]  # fmt: skip
        note = self.say(Words(f"{one['horizon_days']} 天内、扣成本前；区间 95%。",
                              f"Within {one['horizon_days']} days, before cost; interval 95%."))  # fmt: skip
        return self._sheet("effect", ("fact", "effect", "low", "high", "source"), rows, note=note)

    def _source(self, name: str) -> str:
        return self.say(SOURCES[name]) if name in SOURCES else f"{self.text('model')} {name}"

    def _channels(self, found: Mapping[str, Any]) -> Sheet:
        rows = [
            (self.named(one["channel"]), one["customers"], one["others"], one["at_most"]) for one in found["channels"]
        ]
        days = ", ".join(f"{one['date'][5:]}: {one['customers']:,}" for one in found["days"])
        note = f"{self.text('past_days')}: {days}" if days else ""
        columns = ("channel", "customers", "others", "at_most")
        return self._sheet("channels", columns, rows, note=note, formats={"at_most": ",.0f"})

    def _load(self, found: Mapping[str, Any]) -> Sheet:
        load = found["load"]
        rows = [(one["adviser"], one["contacts"], one["others"], one["per_day_max"]) for one in load["busiest"]]
        note = self.say(Words(
            f"人工触达 {load['contacts']:,} 次，{load['advisers']:,} 位客户经理，最多 {load['most']} 次，"
            f"{load['over']} 人超出日产能，{load['without_adviser']:,} 位客户无管户经理。",
            f"{load['contacts']:,} contacts by people, {load['advisers']:,} advisers, {load['most']} at most; "
            f"{load['over']} above what they can do a day; {load['without_adviser']:,} customers without an adviser.",
        ))  # fmt: skip
        return self._sheet("load", ("adviser", "contacts", "others", "at_most"), rows, note=note)

    def _held(self, found: Mapping[str, Any]) -> Sheet:
        held = found["held_out"]
        shares = {"held_out": held["share"], "held_out_global": held["global_share"]}
        rows = [
            (self.named(name), share, held[name]["customers"], held[name]["compared"]) for name, share in shares.items()
        ]
        columns = ("fate", "share", "customers", "compared")
        return self._sheet("held_out", columns, rows, note=self.text("held_note"), formats={"share": ".1%"})

    def _samples(self, found: Mapping[str, Any]) -> Sheet:
        rows = [
            (one["customer_id"], one["name"], self.named(one["stage"] or ""), self.named(one["value_tier"] or ""),
             one["decision"][self.language], one["reason"])
            for one in found["samples"]
        ]  # fmt: skip
        columns = ("customer", "name", "stage", "tier", "decision", "reason")
        sheet = self._sheet("samples", columns, rows)
        return Sheet(sheet.title, columns, tuple((str(row[0]), *row[1:]) for row in rows), headings=sheet.headings)

    def _tests(self, found: Mapping[str, Any]) -> Sheet:
        rows = [
            (one["tester"], self.named(one["channel"]), one["shown_address"], one["step"], self.named(one["offer"]),
             one["content"] or self.text("no_content"))
            for one in found["tests"]
        ]  # fmt: skip
        return self._sheet("tests", ("tester", "channel", "address", "wave", "offer", "content"), rows)

    def _conflicts(self, told: Mapping[str, Any]) -> Sheet:
        now = told["conflicts_now"]
        rows = [
            (one["launch_id"], one["strategy"], self.state(State(one["state"])), one["customers"], one["same_offer"],
             ", ".join(self.named(name) for name in one["offers"]))
            for one in (told["explanation"]["conflicts"] if now is None else now)
        ]  # fmt: skip
        return self._sheet("conflicts", ("launch", "strategy", "state", "customers", "same_offer", "offers"), rows)

    def _approvals(self, told: Mapping[str, Any]) -> Sheet:
        rows = [
            (one["approver"], one["role"], self.text("yes" if one["approved"] else "no"), one["remark"],
             f"{one['at']:%Y-%m-%d %H:%M}")
            for one in told["approvals"]
        ]  # fmt: skip
        missing, note = told["missing"], ""
        if missing is not None:
            roles = ", ".join(missing["roles"])
            note = self.say(Words(
                f"还需 {missing['approvals']} 人审批" + (f"，其中须有 {roles}" if roles else ""),
                f"{missing['approvals']} more to approve" + (f", one of them as {roles}" if roles else ""),
            ))  # fmt: skip
            rows = rows or [("-", "", "", "", "")]
        return self._sheet("approvals", ("approver", "role", "judgement", "remark", "at"), rows, note=note)

    def _sheet(
        self, title: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], *, note: str = "",
        formats: Mapping[str, str] | None = None,
    ) -> Sheet:  # fmt: skip
        headings = {name: self.text(name) for name in columns}
        return Sheet(self.say(TITLES[title]), columns, tuple(rows), headings, {**MONEY, **(formats or {})}, note)


def _brief(detail: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in detail.items() if value not in ("", None))


def _whole(found: Verified) -> Words:
    if found.what is None:
        return Words(f"审计完整：{found.lines:,} 行", f"the audit is whole: {found.lines:,} lines")
    what: Words = BREAKS[Break(found.what)]
    return Words(f"审计在第 {found.broken} 行断裂：{what.zh}", f"the audit breaks at line {found.broken}: {what.en}")
