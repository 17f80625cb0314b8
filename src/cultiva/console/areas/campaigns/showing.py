"""Launches: the list, and one with its play in numbers, its messages, what went wrong, and what may be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from cultiva.console import charts, plays
from cultiva.console.areas.campaigns.words import STATE_TONES, role_names
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import fragment, page
from cultiva.console.visitor import Visitor
from cultiva.definitions.strategies import Strategy
from cultiva.execution.access.roles import Right
from cultiva.execution.dispatch.records import State as DeliveryState
from cultiva.execution.launching.launches import OVER, Launch, State
from cultiva.execution.launching.states import Act, possible
from cultiva.execution.launching.tracking import Total, Tracking
from cultiva.loop.campaign_sheets import CampaignTables
from cultiva.loop.campaign_words import MESSAGE_STATES, STATES
from cultiva.loop.campaigns import conflicts_now, current_version, halts_on
from cultiva.loop.launch_story import LaunchStory, story_of
from cultiva.loop.mapping import names_of
from cultiva.loop.previews import preview
from cultiva.loop.seeing import explanation_in_sight
from cultiva.loop.stopping import told as consequences

routes = router()
ORDER = (State.LIVE, State.PAUSED, State.SUBMITTED, State.APPROVED, State.STOPPED, State.REJECTED, State.FINISHED)
"""What concerns people most comes first."""
DELIVERY_TONES: Mapping[DeliveryState, str] = {
    DeliveryState.QUEUED: "#9fc1f5",
    DeliveryState.SENDING: "#6f94cc",
    DeliveryState.SENT: "#1f6feb",
    DeliveryState.DELIVERED: "#2b8a3e",
    DeliveryState.FAILED: "#c92a2a",
    DeliveryState.DEAD: "#8f1d1d",
    DeliveryState.UNKNOWN: "#e8590c",
    DeliveryState.CANCELLED: "#adb5bd",
}


@routes.get("/campaigns", **needs(Right.CAMPAIGNS))
def campaigns(request: Request, who: Who, desk: Ours, state: str = "") -> HTMLResponse:
    """All launches, those that go out first; emergency stops on top."""
    found = desk.launches.all()
    totals = Tracking(desk.parts.store.database).totals()
    shown = [one for one in found if state in ("", one.state.value)]
    return page(
        request,
        who,
        "campaigns/index.html",
        launches=sorted(shown, key=lambda one: (ORDER.index(one.state), -one.created.timestamp(), one.strategy)),
        counts={each: sum(one.state is each for one in found) for each in ORDER},
        totals={one.launch_id: totals.get(one.launch_id, Total()) for one in shown},
        halts=list(desk.launches.halts().values()),
        tones=STATE_TONES,
        states=STATES,
        names=names_of(desk.told(who.language)),
        state=state,
        local=desk.local,
    )


@routes.get("/campaigns/new", **needs(Right.SUBMIT))
def new(request: Request, who: Who, desk: Ours, strategy: str = "") -> HTMLResponse:
    """A strategy of the newest run is put forward."""
    active = {name: one for name, one in desk.parts.workspace.strategies.items() if one.active}
    return page(
        request,
        who,
        "campaigns/new.html",
        strategies=active,
        chosen=_chosen(desk),
        strategy=strategy if strategy in active else "",
        on=desk.day(),
        states=STATES,
        running={one.strategy: one for one in desk.launches.all() if one.state not in OVER},
    )


@routes.get("/campaigns/{launch_id}", **needs(Right.CAMPAIGNS))
def campaign(request: Request, who: Who, desk: Ours, launch_id: str, tested: int = 0) -> HTMLResponse:
    """One launch; `tested`: how many test messages have just been put into the outbox."""
    launch = desk.launches.one(launch_id)
    told_parts = desk.told(who.language)
    story, names = story_of(desk.parts, launch), names_of(told_parts)
    waiting = desk.launches.waiting(launch.launch_id)
    tables = CampaignTables(told_parts)
    return page(
        request,
        who,
        "campaigns/single.html",
        launch=launch,
        strategy=desk.parts.workspace.strategies.get(launch.strategy),
        label=label_of(desk, who, launch),
        story=story,
        names=names,
        tones=STATE_TONES,
        picture=plays.picture(story.graph, {one.node.name: one for one in story.steps}, who.language, names),
        arrows=plays.arrows(story.graph, who.language),
        kinds=plays.KINDS,
        deliveries=_deliveries(story, who, names),
        delivery_states=DeliveryState,
        message_states=MESSAGE_STATES,
        states=STATES,
        funnel=tables.funnel(launch.explanation),
        acts=[act for act in possible(launch.state) if act not in (Act.APPROVE, Act.REJECT)],
        stops=consequences(waiting, who.language, done=False),
        halts=halts_on(desk.launches, launch),
        changed=launch.state not in OVER and current_version(desk.parts, launch.strategy) != launch.version,
        judgements=desk.launches.judgements(launch.launch_id),
        role_names=role_names(desk, who),
        contents=_contents(desk, launch),
        samples=explanation_in_sight(desk.parts, launch.explanation, who.sight).get("samples", []),
        testers=desk.parts.workspace.approval.testers,
        tested=tested,
        local=desk.local,
    )


@routes.get("/campaigns/{launch_id}/clashes", **needs(Right.CAMPAIGNS))
def clashes(request: Request, who: Who, desk: Ours, launch_id: str) -> HTMLResponse:
    """Other launches that reach the same people now; counted when asked for, since it reads the plans of all."""
    launch = desk.launches.one(launch_id)
    with desk.engine() as parts:
        found = None if launch.state in OVER else conflicts_now(parts, launch)
    return fragment(
        request,
        who,
        "campaigns/clashes.html",
        clashes=found,
        states=STATES,
        names=names_of(desk.told(who.language)),
    )


@routes.get("/campaigns/{launch_id}/preview", **needs(Right.CAMPAIGNS))
def previewed(request: Request, who: Who, desk: Ours, launch_id: str, content: str, customer: str) -> HTMLResponse:
    """What one customer would read; everything personal is masked before it is filled in."""
    from cultiva.loop.lineage import customer_meant

    launch = desk.launches.one(launch_id)
    with desk.engine() as parts:
        meant = customer_meant(parts, customer.strip(), launch.business_date, sight=who.sight)
        found = preview(parts, content, meant.customer_id, launch.business_date, sight=who.sight, language=None)
    return fragment(request, who, "campaigns/preview.html", found=found)


def label_of(desk: ConsoleDesk, who: Visitor, launch: Launch) -> str:
    """What a launch's strategy is called; one that is gone by its name."""
    one: Strategy | None = desk.parts.workspace.strategies.get(launch.strategy)
    return who.say(one.label) if one is not None else launch.strategy


def _chosen(desk: ConsoleDesk) -> Mapping[str, int]:
    from cultiva.loop.strategy_story import funnels_of

    on = desk.day()
    found = desk.kept(("funnels",), on, lambda: funnels_of(desk.parts, on))
    return {name: steps[-1].left for name, steps in found.items()}


def _deliveries(story: LaunchStory, who: Visitor, names: Mapping[str, str]) -> charts.Option | None:
    """Messages by channel, stacked by state."""
    channels = list(story.by_channel)
    if not channels:
        return None
    present = [state for state in DeliveryState if story.in_state(state)]
    series = {
        who.say(MESSAGE_STATES[state]): [story.by_channel[channel].get(state, 0) for channel in channels]
        for state in present
    }
    option = charts.bars([names.get(one, one) for one in channels], series, lying=True, stacked=True)
    return {**option, "color": [DELIVERY_TONES[state] for state in present]}


def _contents(desk: ConsoleDesk, launch: Launch) -> Mapping[str, Any]:
    """Contents that the launch has frozen and the workspace still has."""
    names = launch.body.get("contents", {})
    return {name: desk.parts.workspace.contents[name] for name in names if name in desk.parts.workspace.contents}
