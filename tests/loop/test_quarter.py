"""The next quarter: what is changed changes what it says, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cultiva.contracts.readout import Verdict
from cultiva.loop.quarter import Base, WhatIf, outlook

BASE = Base("a", 100.0, 0.5, 0.2, 10.0, 2.0, 100.0, 3.0, 0.1, Verdict.KEEP)
SHARES = st.floats(0.01, 0.99)


@given(SHARES, st.floats(0.0, 5.0))
def test_who_is_left_alone_and_who_is_not_are_everybody(holdout: float, hands: float) -> None:
    found = outlook(BASE, WhatIf(holdout=holdout, hands=hands))
    assert found.incremental is not None and found.low is not None and found.high is not None
    treated = found.enrolled - found.alone
    assert abs(found.incremental - 10.0 * treated) < 1e-6 and abs(found.cost - 3.0 * treated) < 1e-6
    assert found.low <= found.incremental <= found.high


@given(SHARES, SHARES)
def test_a_larger_holdout_up_to_a_half_sees_smaller_effects_and_brings_less(one: float, two: float) -> None:
    small, large = (outlook(BASE, WhatIf(holdout=share / 2)) for share in sorted((one, two)))
    assert small.smallest is not None and large.smallest is not None
    assert large.smallest <= small.smallest * (1 + 1e-9)
    assert large.net is not None and small.net is not None and large.net <= small.net + 1e-9


def test_more_hands_reach_only_those_who_waited_for_them() -> None:
    usual = outlook(BASE, WhatIf()).enrolled
    assert usual == 1300
    assert outlook(BASE, WhatIf(hands=1.1)).enrolled == usual * 1.05
    assert outlook(BASE, WhatIf(hands=5.0)).enrolled == outlook(BASE, WhatIf(hands=1.2)).enrolled
    assert outlook(BASE, WhatIf(hands=0.0)).enrolled == usual * 0.5
    assert outlook(replace(BASE, by_hand=0.0), WhatIf(hands=0.0)).enrolled == usual


def test_what_should_stop_ends_only_where_it_is_asked() -> None:
    loser = replace(BASE, verdict=Verdict.STOP)
    assert outlook(loser, WhatIf()).enrolled == 1300
    assert (
        outlook(loser, WhatIf(stop_losers=True)).net == 0 and outlook(BASE, WhatIf(stop_losers=True)).enrolled == 1300
    )


def test_what_is_not_known_is_not_said() -> None:
    unknown = replace(BASE, effect=None, se=None, spread=None)
    found = outlook(unknown, WhatIf())
    assert (found.incremental, found.net, found.smallest) == (None, None, None) and found.cost > 0
