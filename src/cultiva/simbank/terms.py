"""What a world is made of: how customers respond, live and bring money; every figure with its ordinary value."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from cultiva.definitions.base import Model, Share


class KindTerms(Model):
    """How customers of one kind respond to one category of offers."""

    share: Share
    """Share of all customers."""
    appeal: float
    """Log odds of taking an offer up on their own, beside a persuadable."""
    lift: float
    """Log odds that one perfect touch adds; negative: contact drives them away."""
    fancy: Share
    """Chance that a benefit or content is taken up when it reaches them."""
    push: float
    """What a benefit, content or service does to their behaviour; 1 is the category's full effect, negative harms."""
    annoyance: float = Field(default=0.0, ge=0)
    """Added to the chance to leave the bank by every touch that reaches, in its week."""
    outflow: Share = 0.0
    """Share of deposits and investments that every touch that reaches drives to other banks."""


class Kinds(Model):
    """Sure things, persuadables, lost causes and sleeping dogs, and what decides who is which."""

    sure_thing: KindTerms = KindTerms(share=0.10, appeal=1.8, lift=0.1, fancy=0.6, push=0.0)
    """Take it up anyway."""
    persuadable: KindTerms = KindTerms(share=0.27, appeal=0.0, lift=7.0, fancy=0.4, push=1.0)
    """Take it up because they are asked."""
    lost_cause: KindTerms = KindTerms(share=0.58, appeal=-2.5, lift=0.1, fancy=0.04, push=0.0)
    """Never."""
    sleeping_dog: KindTerms = KindTerms(
        share=0.05, appeal=0.8, lift=-1.5, fancy=0.1, push=-0.8, annoyance=0.002, outflow=0.01
    )
    """Would, but not when asked."""
    visible: float = Field(default=0.9, ge=0)
    """How much archetype, age, tenure, wealth and app use decide (spread of log odds)."""
    hidden: float = Field(default=1.0, gt=0)
    """How much is chance that no data show; 1 is a multinomial logit."""


class CategoryTerms(Model):
    """How offers of one category of products sell, or benefits, content and services work."""

    weekly: Share = 0.002
    """Weekly chance of a persuadable to take a product up without any touch."""
    lift: float = 1.0
    """Multiplies every touch's effect; 0: none."""
    push: float = 0.0
    """Share of a month's income that taking it up brings in per week at first."""
    activity: float = 0.0
    """What taking it up adds to the activity at first; 0.2 is a fifth more."""
    new_money: float = Field(default=0.15, ge=0)
    """Mean inflow from other banks at take-up, as a share of wealth; loans: ignored."""
    own_money: Share = 0.15
    """Mean share of the customer's own liquid deposits that moves into it: cannibalised."""
    upfront: Share = 0.0
    """Fee or commission booked at take-up, as a share of the money that moves into it."""
    upfront_least: float = Field(default=0.0, ge=0)
    """The smallest such fee, in yuan."""
    upfront_most: float = Field(default=600.0, ge=0)
    """The largest, in yuan: rich customers negotiate."""


class ChannelFacts(Model):
    """What a channel is like."""

    reach: Share = 0.8
    """Chance that a touch reaches a customer who can be reached at all."""
    strength: float = Field(default=0.6, ge=0)
    """Share of the perfect effect."""
    tiring: float = Field(default=1.0, ge=0)
    """How much one touch adds to fatigue."""
    refused: Share = 0.02
    """Chance that a touch that reached is turned down."""


class Response(Model):
    """When and how strongly touches work."""

    at_once: Share = 0.6
    """Share of the effect that is there in the week of the touch."""
    arrives: Share = 0.5
    """Share of what has not arrived yet that arrives in each later week."""
    stays: Share = 0.6
    """Share of the effect that is left after a week."""
    push_stays: Share = 0.85
    """Share of a benefit's effect on behaviour that is left after a week."""
    rate: float = 1.5
    """Log odds for a yearly rate that is one percentage point better, times the customer's price sense."""
    cost_reference: float = Field(default=6.0, gt=0)
    """A benefit that costs this much works as stated; dearer ones better, by price sense."""
    household: Share = 0.25
    """Share of the effect that a touched customer's spouse has."""
    trend: float = 0.0
    """Change of all effects per week, as a share of the first; -0.05: nothing is left after 20 weeks, then it turns."""
    trend_least: float = -1.0
    """Where the trend ends."""
    offer_spread: float = Field(default=0.25, ge=0)
    """How much offers of one category differ (spread of the logarithm of lift, and of the appeal)."""
    drawn: float = Field(default=0.35, ge=0)
    """How much customers of one kind differ in lift (relative spread)."""


class Group(Model):
    """Customers told by what the bank can see; what is left out does not matter."""

    archetypes: tuple[str, ...] = ()
    """Names of archetypes; empty: all."""
    age_min: float = 0.0
    """Years."""
    age_max: float = 200.0
    """Years."""
    uses_app: bool | None = None
    """Whether they use the app."""


class Fatigue(Model):
    """What too many touches do."""

    stays: Share = 0.75
    """Share of the fatigue that is left after a week."""
    dulls: float = Field(default=0.15, ge=0)
    """How much each felt touch dulls the next (log of the effect)."""
    opt_out: Share = 0.003
    """Chance to withdraw the consent at a touch without fatigue."""
    opt_out_growth: float = Field(default=0.35, ge=0)
    """How much each felt touch raises it (log)."""
    tolerance: float = Field(default=2.0, ge=0)
    """Felt touches that do no harm."""
    attrition: float = Field(default=0.0006, ge=0)
    """Weekly chance to leave, added per felt touch beyond the tolerance."""
    complaint: float = Field(default=0.0005, ge=0)
    """Weekly chance to complain, added per felt touch beyond the tolerance."""
    mood: float = Field(default=0.02, ge=0)
    """Mood lost per felt touch beyond the tolerance and week."""


class Advisers(Model):
    """Those who call, and whom they choose to call."""

    calls: float = 0.4
    """Log odds that a task is done for a customer of average wealth."""
    wealth_pull: float = 0.8
    """Log odds added per standard deviation of the logarithm of wealth: they call the rich."""
    diligence_spread: float = Field(default=0.6, ge=0)
    """How much advisers differ in doing their tasks (log odds)."""
    skill_spread: float = Field(default=0.3, ge=0)
    """How much they differ in what a talk does (spread of the logarithm)."""


class Life(Model):
    """Natural life, per week unless said otherwise."""

    spent: float = Field(default=0.96, ge=0)
    """Share of income that is spent."""
    noise: float = Field(default=0.25, ge=0)
    """Spread of weekly spending (log)."""
    events_yearly: Mapping[str, float] = {
        "job": 0.06, "marriage": 0.03, "child": 0.03, "house": 0.02, "car": 0.04, "retirement": 0.02,
    }  # fmt: skip
    """Life events per person of the right age and year."""
    need: float = 1.6
    """Log odds that a life event adds to the products it calls for."""
    need_weeks: int = Field(default=8, ge=0)
    """How long."""
    season: float = 0.15
    """Amplitude over the year of take-up (log odds) and of spending (share)."""
    season_peak_week: float = 5.0
    """Week of the bank's calendar at which it peaks: spring festival."""
    holidays: float = Field(default=0.3, ge=0)
    """What a week of public holidays adds to spending, as a share of it."""
    close: Share = 0.0007
    """Chance to close a product."""
    maturity_leaves: Share = 0.25
    """Chance that a term deposit leaves the bank when it matures."""
    attrition: Share = 0.0006
    """Chance to leave the bank without reason."""
    silent: Share = 0.0008
    """Chance that balances begin to drain."""
    drain: Share = 0.05
    """Share of the balances that then goes per week."""
    withdrawn: Share = 0.005
    """Share of savings, funds and wealth products that is withdrawn and spent or taken elsewhere."""
    competitors: float = Field(default=0.005, ge=0)
    """Share of liquid money beyond three months' income that goes to competitors."""
    complaints: Share = 0.0012
    """Chance to complain."""
    join: Share = 0.01
    """Chance that a prospect becomes a customer on their own."""
    brought: Share = 0.2
    """Share of their wealth that those who join bring at once."""
    mood_stays: Share = 0.9
    """Share of the mood that is left after a week."""


class Amounts(Model):
    """How much money moves at take-up: a factor with mean 1 around the category's mean."""

    spread: float = Field(default=0.8, ge=0)
    """Spread of the logarithm where there is no tail."""
    tail: float = Field(default=0.0, ge=0)
    """Above 1: a Pareto tail with this exponent in place of the lognormal; 0: none."""


class Referral(Model):
    """Customers who bring others."""

    chance: Share = 0.03
    """Chance that somebody who takes an offer up talks about it."""
    joins: Share = 0.2
    """Chance that a prospect who hears it becomes a customer."""
    lift: float = 0.6
    """Log odds that hearing it adds for somebody who is a customer."""


class Money(Model):
    """What balances and movements bring; the figures of the starter pack's value model."""

    ftp_demand_rate: float = 0.018
    """What treasury pays for money that can leave at any time."""
    ftp_term_rate: float = 0.027
    """What it pays for money bound for a term."""
    ftp_loan_rate: float = 0.026
    """What it charges for money lent."""
    loss_rate: float = 0.009
    """Expected yearly loss per unit of risk-weighted balance."""
    capital_ratio: float = 0.105
    """Capital held against it."""
    hurdle_rate: float = 0.11
    """What the owners expect of that capital."""
    movements_weekly: float = 0.6
    """Own movements of an average customer per week."""
    fee_per_movement: float = 0.15
    """Fees booked per movement, in yuan."""
    cost_per_movement_app: float = 0.9
    """Servicing cost per movement of those who use the app."""
    cost_per_movement_other: float = 2.4
    """Servicing cost per movement of the others."""


CATEGORIES = {
    "deposit": CategoryTerms(weekly=0.0013, new_money=0.5, own_money=0.15),
    "loan": CategoryTerms(weekly=0.0006, new_money=0.0, own_money=0.0, upfront=0.004),
    "card": CategoryTerms(weekly=0.0006, new_money=0.0, own_money=0.0, activity=0.3, upfront_least=60.0),
    "fund": CategoryTerms(weekly=0.0007, new_money=0.3, own_money=0.1, upfront=0.012),
    "wealth": CategoryTerms(weekly=0.001, new_money=0.5, own_money=0.2, upfront=0.006),
    "insurance": CategoryTerms(weekly=0.0004, new_money=0.1, own_money=0.02, upfront=0.12),
    "payment": CategoryTerms(weekly=0.0004, new_money=0.0, own_money=0.0, push=0.06, activity=0.3, upfront_least=60.0),
    "benefit": CategoryTerms(push=0.25, activity=0.25),
    "content": CategoryTerms(push=0.06, activity=0.15),
    "service": CategoryTerms(push=0.15, activity=0.1),
}
"""The ordinary world's categories."""
CHANNELS = {
    "app": ChannelFacts(reach=0.75, strength=0.55, tiring=0.4, refused=0.01),
    "sms": ChannelFacts(reach=0.93, strength=0.35, tiring=1.0, refused=0.0),
    "wecom": ChannelFacts(reach=0.7, strength=0.7, tiring=0.8, refused=0.04),
    "phone": ChannelFacts(reach=0.55, strength=1.0, tiring=1.6, refused=0.25),
    "branch": ChannelFacts(reach=0.35, strength=1.2, tiring=0.8, refused=0.2),
}
"""The ordinary world's channels."""
