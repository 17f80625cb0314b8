"""What the customers of a bank are like and never show: their kinds, tastes, and what life has in store for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zlib import crc32

import numpy as np

from cultiva.simbank.archetypes import ARCHETYPES, PRODUCT_CODE, PRODUCTS, Life
from cultiva.simbank.arrays import NONE, Flags, Floats, Ints
from cultiva.simbank.behaviour.kinds import draw_kinds, kind_terms
from cultiva.simbank.behaviour.tastes import adviser_calls, adviser_skill, channel_reach, channel_taste
from cultiva.simbank.living import ChannelTerms, OfferBook
from cultiva.simbank.movements import PAY_DAYS
from cultiva.simbank.population import DAYS_PER_YEAR, HISTORY_DAYS, NEVER, Population
from cultiva.simbank.terms import Group
from cultiva.simbank.world import World

LIFE_EVENTS = ("job", "marriage", "child", "house", "car", "retirement")
"""Codes of `Nature.life_day`."""
_LIFE_AGES = {"job": (18, 45), "marriage": (21, 40), "child": (23, 42), "house": (24, 50), "car": (22, 60),
              "retirement": (54, 66)}  # fmt: skip
SOLD_BY_CATEGORY = {
    "deposit": ("P_TERM", "P_CORP_DEPOSIT"), "loan": ("P_CONSUMER", "P_CORP_LOAN"), "card": ("P_CREDITCARD", None),
    "fund": ("P_FUND_STEADY", None), "wealth": ("P_WEALTH", None), "insurance": ("P_INSURANCE", None),
    "payment": ("P_COLLECT", "P_COLLECT"),
}  # fmt: skip
"""Product that an offer of a category sells to a person and to an organisation."""
IMPOSSIBLE = -40.0
"""Log odds of what never happens."""
DORMANT_ACTIVITY = 0.02
"""Activity of those who sleep."""
_FOR_FIRMS = ("P_CORP_DEPOSIT", "P_CORP_LOAN")
_FOR_BOTH = ("P_CURRENT", "P_COLLECT")


@dataclass(frozen=True)
class Nature:
    """Latent traits of `n` customers; drawn once, never changed, never delivered."""

    first: date
    """The bank's day 0."""
    topics: tuple[str, ...]
    """Categories of offers: those of products, and benefit, content, service."""
    topic_of: Ints
    """Shape (offers,): position of each offer's category in `topics`."""
    sells: Ints
    """Shape (offers, 2): product that each offer sells to a person, to an organisation; NONE if it sells none."""
    quality: Floats
    """Shape (offers,): multiplies what a touch with the offer does."""
    cost: Floats
    """Shape (offers,): cost of giving it once, in yuan."""
    touch_cost: Floats
    """Shape (channels,): cost of one touch, in yuan."""
    channel_names: tuple[str, ...]
    """Names of the channels."""
    extra_rate: Floats
    """Shape (offers,): customer rate beyond the list."""
    kind: Ints
    """Shape (n, topics): code of KINDS_OF_RESPONSE."""
    lift: Floats
    """Shape (n, topics): log odds that a perfect touch adds; world's effect, group and category included."""
    fancy: Floats
    """Shape (n, topics): chance that what is not a product is taken up when it reaches; 0 for products."""
    push: Floats
    """Shape (n, topics): share of a month's income per week that taking it up brings at first."""
    stir: Floats
    """Shape (n, topics): what taking it up adds to the activity at first."""
    annoyance: Floats
    """Shape (n, topics): weekly chance to leave, added by a touch."""
    outflow: Floats
    """Shape (n, topics): share of the assets that a touch drives away."""
    appeal: Floats
    """Shape (n, products): weekly log odds of taking a product up without touch, season, need and mood."""
    taste: Floats
    """Shape (n, channels): share of the perfect effect that a touch over the channel has; adviser's skill included."""
    reach: Floats
    """Shape (n, channels): chance that a touch that is carried out reaches."""
    calls: Floats
    """Shape (n,): chance that the adviser does a task for this customer."""
    human: Flags
    """Shape (channels,): whether people do it."""
    price_sense: Floats
    """Shape (n,): how much price moves them; mean 1."""
    thin_skin: Floats
    """Shape (n,): how much fatigue does to them; mean 1."""
    income: Floats
    """Shape (n,): what a month brings, in yuan."""
    wealth: Floats
    """Shape (n,): what they own here and elsewhere."""
    pay_day: Ints
    """Shape (n,): day of the month on which income comes."""
    usual_activity: Floats
    """Shape (n,): movements relative to the average customer."""
    rest: Floats
    """Shape (n,): activity to which they return: 1, little for the dormant."""
    uses_app: Flags
    organisation: Flags
    partner: Ints
    """Spouse, or NONE."""
    friend: Ints
    """Whom they would bring or tell, or NONE."""
    life_day: Ints
    """Shape (n, life events): day on which it happens, or NEVER."""

    def __len__(self) -> int:
        return int(self.income.size)

    def product_of(self, customer: Ints, offer: Ints) -> Ints:
        """The product that an offer sells to a customer, or NONE; arrays of equal (or broadcast) shape."""
        return self.sells[offer, self.organisation[customer].astype(np.int64)]


def draw_nature(  # noqa: PLR0913  (what a nature depends on)
    world: World,
    people: Population,
    *,
    offers: OfferBook,
    channels: Sequence[ChannelTerms],
    seed: int,
    first: date,
    friends: Ints | None = None,
) -> Nature:
    """Draws what the customers are like.

    Args:
        world: Shares and strengths.
        people: The whole bank's customers; `partner` and `adviser` hold for the whole bank.
        offers: What the bank proposes.
        channels: How.
        seed: Equal seeds give equal natures.
        first: The bank's day 0.
        friends: Whom each customer would refer, or NONE; None: drawn, half of them among prospects.
    """
    topics = tuple(dict.fromkeys([*SOLD_BY_CATEGORY, "benefit", "content", "service", *map(topic_name, offers)]))
    kind = draw_kinds(world, people, topics, seed=seed)
    rng = np.random.default_rng([seed, 12])
    n = len(people)
    works = _works(world, people) * world.effect
    terms = [world.category(topic) for topic in topics]
    spread = np.maximum(1 + world.response.drawn * rng.standard_normal(kind.shape), 0.1)
    skill = adviser_skill(world, people, seed=seed)
    sold = np.array([topic in SOLD_BY_CATEGORY for topic in topics])
    return Nature(
        first=first,
        topics=topics,
        topic_of=np.array([topics.index(topic_name(offer)) for offer in offers], dtype=np.int64),
        sells=_sold(world, offers),
        quality=_qualities(world, offers, seed),
        cost=np.array([offer.unit_cost for offer in offers], dtype=np.float64),
        touch_cost=np.array([channel.unit_cost for channel in channels], dtype=np.float64),
        channel_names=tuple(channel.name for channel in channels),
        extra_rate=np.array([offer.rate for offer in offers]),
        kind=kind,
        lift=_trait(world, kind, "lift") * spread * [one.lift for one in terms] * works[:, None],
        fancy=np.where(sold, 0.0, _trait(world, kind, "fancy") * (works != 0)[:, None]),
        push=_trait(world, kind, "push") * spread * [one.push for one in terms] * works[:, None],
        stir=_trait(world, kind, "push") * spread * [one.activity for one in terms] * works[:, None],
        annoyance=_trait(world, kind, "annoyance") * np.abs(works)[:, None],
        outflow=_trait(world, kind, "outflow") * np.abs(works)[:, None],
        appeal=_appeal(world, people, topics, kind),
        taste=channel_taste(world, people, channels, skill=skill, seed=seed),
        reach=channel_reach(world, people, channels),
        calls=adviser_calls(world, people, seed=seed),
        human=np.array([channel.human for channel in channels], dtype=np.bool_),
        price_sense=np.exp(0.5 * rng.standard_normal(n) - 0.125),
        thin_skin=np.exp(0.6 * rng.standard_normal(n) - 0.18),
        income=people.income.astype(np.float64),
        wealth=people.wealth.astype(np.float64),
        pay_day=_pay_days(rng, people),
        usual_activity=np.array([one.activity for one in ARCHETYPES])[people.archetype],
        rest=np.where(people.life == Life.DORMANT, DORMANT_ACTIVITY, 1.0),
        uses_app=people.uses_app,
        organisation=people.organisation,
        partner=people.partner,
        friend=_friends(rng, people) if friends is None else friends,
        life_day=_life_days(world, people, rng),
    )


def topic_name(offer: object) -> str:
    """The category under which an offer's effects go: a product's category, otherwise its kind."""
    category, kind = getattr(offer, "category", None), str(getattr(offer, "kind", "product"))
    return str(category) if kind == "product" and category else kind.replace("product", "deposit")


def _trait(world: World, kind: Ints, name: str) -> Floats:
    return np.array([float(getattr(terms, name)) for terms in kind_terms(world)])[kind]


def _works(world: World, people: Population) -> Floats:
    """1 where touches work, 0 elsewhere."""
    if world.effect_only is None:
        return np.ones(len(people))
    return in_group(world.effect_only, people).astype(np.float64)


def in_group(group: Group, people: Population) -> Flags:
    """Who belongs to a group told by observable things; age as of the end of the history."""
    age = (HISTORY_DAYS - 1 - people.born) / DAYS_PER_YEAR
    inside = (age >= group.age_min) & (age <= group.age_max)
    if group.archetypes:
        inside &= np.array([one.name in group.archetypes for one in ARCHETYPES])[people.archetype]
    return inside if group.uses_app is None else inside & (people.uses_app == group.uses_app)


def _sold(world: World, offers: OfferBook) -> Ints:
    rows = []
    for offer in offers:
        person, firm = SOLD_BY_CATEGORY.get(topic_name(offer), (None, None))
        person = world.sells.get(offer.name, person)
        rows.append([NONE if code is None else PRODUCT_CODE[code] for code in (person, firm)])
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def _qualities(world: World, offers: OfferBook, seed: int) -> Floats:
    """Drawn by name, so that another offer in the book changes none of the others; dearer benefits do more.

    One thing at several prices (`name@price`) is one thing: only its price differs.
    """
    spread = world.response.offer_spread
    names = [offer.name.partition("@")[0] for offer in offers]
    drawn = [np.random.default_rng([seed, 13, crc32(name.encode())]).standard_normal() for name in names]
    return np.exp(spread * np.array(drawn) - spread**2 / 2).reshape(-1)


def _appeal(world: World, people: Population, topics: tuple[str, ...], kind: Ints) -> Floats:
    """Weekly log odds without touch: the category's, the kind's, and how usual the product is for the archetype."""
    held = np.array([[one.products.get(code, 0.0) for code in PRODUCT_CODE] for one in ARCHETYPES])
    usual = np.log((held + 0.02) / (held.mean(axis=0) + 0.02))
    appeal = np.clip(usual, -1.5, 1.5)[people.archetype]
    kinds = _trait(world, kind, "appeal")
    for code, product in enumerate(PRODUCTS):
        weekly = world.category(product.category).weekly
        base = np.log(weekly / (1 - weekly)) if 0 < weekly < 1 else IMPOSSIBLE
        appeal[:, code] += base + kinds[:, topics.index(product.category)]
        if product.product_id not in _FOR_BOTH:
            wrong = people.organisation != (product.product_id in _FOR_FIRMS)
            appeal[wrong, code] = IMPOSSIBLE
    appeal[:, PRODUCT_CODE["P_CURRENT"]] = IMPOSSIBLE  # everybody has one; prospects join by another way
    return appeal


def _pay_days(rng: np.random.Generator, people: Population) -> Ints:
    days = np.array(PAY_DAYS)
    own = days[rng.integers(0, days.size, len(people))]
    return np.where(people.employer == NONE, own, days[people.employer % days.size])


def _friends(rng: np.random.Generator, people: Population) -> Ints:
    """Half would tell somebody who is no customer yet, as far as there are any; nobody tells themselves."""
    n = len(people)
    anybody = (np.arange(n) + 1 + rng.integers(0, max(n - 1, 1), n)) % n
    prospects = np.flatnonzero(people.opened > HISTORY_DAYS - 1)
    if prospects.size == 0:
        return anybody
    somebody = prospects[rng.integers(0, prospects.size, n)]
    chosen = np.where(rng.random(n) < 0.5, somebody, anybody)
    return np.where(chosen == np.arange(n), anybody, chosen)


def _life_days(world: World, people: Population, rng: np.random.Generator) -> Ints:
    """The first day from day 0 on which each life event happens; exponential waiting times within the right ages."""
    days = np.full((len(people), len(LIFE_EVENTS)), NEVER, dtype=np.int64)
    for place, event in enumerate(LIFE_EVENTS):
        yearly = world.life.events_yearly.get(event, 0.0)
        wait = rng.exponential(1.0, len(people)) * DAYS_PER_YEAR / max(yearly, 1e-12)
        youngest, oldest = _LIFE_AGES[event]
        age = (wait - people.born) / DAYS_PER_YEAR
        fits = (age >= youngest) & (age <= oldest) & ~people.organisation & (wait < NEVER)
        days[fits, place] = wait[fits].astype(np.int64)
    return days
