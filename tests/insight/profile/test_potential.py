from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cultiva.contracts.types import DataType
from cultiva.definitions.value import Potential
from cultiva.engine.port import Engine
from cultiva.insight.profile.potential import CellKey, check_peers, choose_cells, peer_values, rank_of
from cultiva.kit.errors import CultivaError

Row = tuple[str | None, bool | None, int | None, int]


@given(st.integers(0, 100), st.integers(1, 500))
def test_the_rank_is_the_ceiling_of_the_share(percent: int, size: int) -> None:
    exact = math.ceil(Fraction(percent, 100) * size)
    assert rank_of(percent / 100, size) == max(1, exact)


def slow_oracle(rows: list[Row], potential: Potential) -> list[Decimal]:
    """Looks at every customer's peers one tag fewer at a time, and sorts them."""
    found = []
    for row in rows:
        for kept in range(3, -1, -1):
            peers = sorted(other[3] for other in rows if other[:kept] == row[:kept])
            if len(peers) >= potential.peers_min or kept == 0:
                rank = max(1, math.ceil(Fraction(str(potential.quantile)) * len(peers)))
                found.append(Decimal(peers[rank - 1]) / 100)
                break
    return found


rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "它", "", None]),
        st.sampled_from([True, False, None]),
        st.sampled_from([-1, 0, 7, None]),
        st.one_of(st.integers(-3, 3), st.integers(-(10**12), 10**12), st.sampled_from([0, 0, 100])),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    rows, st.sampled_from([0.0, 0.1, 0.5, 0.8, 0.99, 1.0]), st.integers(2, 12)
)  # fmt: skip
def test_the_quantile_of_peers_is_what_a_slow_oracle_finds(
    duckdb_engine: Engine, tmp_path_factory: pytest.TempPathFactory, rows: list[Row], quantile: float, least: int
) -> None:
    folder = tmp_path_factory.mktemp("peers")
    potential = Potential(peers=("segment", "flag", "band"), quantile=quantile, peers_min=least)
    write_rows(rows, folder / "in")
    written = peer_values(duckdb_engine, [folder / "in"], potential, folder / "out")
    result = pl.read_parquet(folder / "out" / "*.parquet").sort("customer_id")
    assert written.rows == len(rows)
    assert result["peer_value"].to_list() == slow_oracle(rows, potential)


def write_rows(rows: list[Row], folder: Path) -> None:
    folder.mkdir(parents=True)
    pl.DataFrame(
        {
            "customer_id": range(1, len(rows) + 1),
            "segment": pl.Series([row[0] for row in rows], dtype=pl.String),
            "flag": pl.Series([row[1] for row in rows], dtype=pl.Boolean),
            "band": pl.Series([row[2] for row in rows], dtype=pl.Int64),
            "current_value": pl.Series([Decimal(row[3]) / 100 for row in rows], dtype=pl.Decimal(18, 2)),
        },
        schema_overrides={"customer_id": pl.Int64},
    ).write_parquet(folder / "part-00000.parquet")


def test_a_small_cell_takes_the_peers_of_fewer_tags() -> None:
    sizes: dict[CellKey, int] = {("a", "x"): 3, ("a", "y"): 40, ("b", "x"): 2}
    cells = choose_cells(sizes, Potential(peers=("one", "two"), peers_min=30))
    assert {key: cell.key for key, cell in cells.items()} == {
        ("a", "x"): ("a",),
        ("a", "y"): ("a", "y"),
        ("b", "x"): (),
    }
    assert cells["b", "x"].size == 45


def test_a_peer_tag_that_forms_no_groups_is_refused() -> None:
    with pytest.raises(CultivaError) as caught:
        check_peers(["aum"], {"aum": DataType.MONEY})
    assert caught.value.code == "profile.peer_type"
