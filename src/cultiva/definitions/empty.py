"""What stands in for a file that is missing or broken, so that the other files can still be checked."""

from __future__ import annotations

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.definitions.base import Label
from cultiva.definitions.lifecycle import Lifecycle, Stage
from cultiva.definitions.policy import Channel, ContactPolicy
from cultiva.definitions.tags import Aggregate
from cultiva.definitions.value import Component, Potential, Value

NOBODY = "unknown"
"""The name of everything in a stand-in; references to it are not looked up."""
_LABEL = Label(zh="未知", en="Unknown")
_ROWS = Aggregate(table="holding", function=AggregateFunction.COUNT)

NO_LIFECYCLE = Lifecycle(stages=(Stage(name=NOBODY, label=_LABEL, rule="true"),))
NO_VALUE = Value(
    components=(Component(name=NOBODY, label=_LABEL, aggregate=_ROWS),),
    potential=Potential(peers=(NOBODY,)),
)
NO_POLICY = ContactPolicy(channels=(Channel(name=NOBODY, label=_LABEL, kind="human"),))
