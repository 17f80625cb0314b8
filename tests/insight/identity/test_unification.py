from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest
from tests.insight.delivery import Row
from tests.insight.identity.bank import Bank, party
from tests.insight.identity.slow_linkage import slow_clusters

from cultiva.definitions.sources import Identity, MatchRule
from cultiva.engine.port import Engine
from cultiva.insight.identity.unification import UNLINKED
from cultiva.kit.errors import CultivaError
from cultiva.store.records import IdentityChangeKind

BIRTH = date(1980, 5, 5)


@pytest.fixture
def bank(duckdb_engine: Engine, tmp_path: Path) -> Bank:
    return Bank(duckdb_engine, tmp_path)


def random_parties(seed: int, count: int) -> list[Row]:
    """Records of a few people under several source systems, with gaps, blanks and contradictions."""
    dice = random.Random(seed)

    def some(values: list[object], share: float) -> object:
        return dice.choice(values) if dice.random() < share else dice.choice([None, ""])

    return [
        party(
            dice.choice(["core", "card", "fund"]),
            f"{number:04}",
            id_number_hash=some([f"id{n}" for n in range(count // 3)], 0.6),
            phone=some([f" 13{n} " for n in range(count // 4)], 0.6),
            email=some([f"{n}@mail.example" for n in range(count // 2)], 0.4),
            birth_date=dice.choice([None, *(date(1970, 1, n + 1) for n in range(20))]),
            party_type="organisation" if dice.random() < 0.05 else "person",
            opened_on=dice.choice([None, *(date(2000 + n, 1, 1) for n in range(20))]),
            name=some([f"name {n}" for n in range(count)], 0.7),
        )
        for number in range(count)
    ]


def cleaned(record: Row, name: str) -> str | None:
    value = record.get(name)
    return (str(value).strip() or None) if value is not None else None


def test_records_become_customers_as_the_rules_say(bank: Bank) -> None:
    records = random_parties(3, 200)
    result = bank.run(records, day=0)
    columns = ("id_number_hash", "phone", "email", "birth_date", "party_type")
    ordered = sorted(records, key=lambda row: (row["source_system"], row["source_id"]))
    plain = [{name: cleaned(row, name) for name in columns} for row in ordered]
    identity = bank.identity
    expected = slow_clusters(plain, [rule.on for rule in identity.rules], identity.conflicts, identity.cluster_max)
    ids = bank.ids()
    by_id: dict[int, set[int]] = {}
    for number, row in enumerate(ordered):
        by_id.setdefault(ids[row["source_id"]], set()).add(number)
    assert {frozenset(cluster) for cluster in by_id.values()} == expected
    assert sorted(by_id) == list(range(1, len(expected) + 1))
    assert [min(by_id[number]) for number in sorted(by_id)] == sorted(min(cluster) for cluster in expected)
    assert (result.records, result.customers, result.newcomers) == (200, len(expected), len(expected))


def test_the_order_of_rows_does_not_matter(bank: Bank, duckdb_engine: Engine, tmp_path: Path) -> None:
    records = random_parties(5, 120)
    other = Bank(duckdb_engine, tmp_path / "other")
    shuffled = random.Random(1).sample(records, len(records))
    first, second = bank.run(records, day=0), other.run(shuffled, day=0)
    assert first.mapping.fingerprint == second.mapping.fingerprint
    assert first.conflicts.fingerprint == second.conflicts.fingerprint


def test_a_repeated_run_changes_nothing(bank: Bank) -> None:
    records = random_parties(5, 120)
    bank.run(records, day=0)
    later = random_parties(6, 150)
    first = bank.run(later, day=1)
    again = bank.run(later, day=1)
    assert again.mapping.fingerprint == first.mapping.fingerprint
    assert again.changes == first.changes
    assert again.newcomers == 0


def test_a_belated_run_gives_people_the_ids_they_have_got_since(bank: Bank) -> None:
    bank.run([party("core", "a"), party("core", "b")], day=5)
    bank.run([party("core", "b"), party("core", "c")], day=2)
    assert bank.ids() == {"b": 2, "c": 3}


def test_ids_survive_a_new_source(bank: Bank) -> None:
    bank.run([party("core", "a", id_number_hash="1"), party("core", "b", id_number_hash="2")], day=0)
    before = bank.ids()
    result = bank.run(
        [
            party("card", "x", id_number_hash="2"),
            party("card", "y"),
            party("core", "a", id_number_hash="1"),
            party("core", "b", id_number_hash="2"),
        ],
        day=1,
    )
    assert bank.ids() == {**before, "x": before["b"], "y": 3}
    assert (result.changes, result.newcomers) == ((), 1)


def test_a_merge_is_recorded_with_the_rule_that_made_it(bank: Bank) -> None:
    bank.run([party("card", "x", phone="9", birth_date=BIRTH), party("core", "a", phone="8")], day=0)
    result = bank.run(
        [party("card", "x", phone="9", birth_date=BIRTH), party("core", "a", phone="9", birth_date=BIRTH)], day=1
    )
    [merge] = result.changes
    assert (merge.kind, merge.from_ids, merge.to_ids) == (IdentityChangeKind.MERGE, (1, 2), (1,))
    assert merge.reason == "phone_and_birth"
    assert bank.ids() == {"x": 1, "a": 1}


def test_a_split_is_recorded_with_what_sets_the_parts_apart(bank: Bank) -> None:
    bank.run([party("card", "x", email="e"), party("core", "a", email="e"), party("core", "b", email="e")], day=0)
    assert set(bank.ids().values()) == {1}
    result = bank.run(
        [
            party("card", "x", email="e", id_number_hash="1"),
            party("core", "a", email="e", id_number_hash="2"),
            party("core", "b"),
        ],
        day=1,
    )
    assert bank.ids() == {"x": 1, "a": 2, "b": 3}
    assert {(change.kind, change.from_ids, change.to_ids, change.reason) for change in result.changes} == {
        (IdentityChangeKind.SPLIT, (1,), (1, 2), "they differ in id_number_hash"),
        (IdentityChangeKind.SPLIT, (1,), (1, 3), UNLINKED),
    }


def test_records_that_are_not_delivered_keep_their_id_and_follow_it_into_a_merge(bank: Bank) -> None:
    bank.run(
        [
            party("card", "x", email="e"),
            party("core", "a", id_number_hash="1"),
            party("core", "b", id_number_hash="1"),
            party("core", "c"),
        ],
        day=0,
    )
    assert bank.ids() == {"x": 1, "a": 2, "b": 2, "c": 3}
    bank.run([party("card", "x", email="e"), party("core", "a", email="e")], day=1)
    assert bank.ids() == {"x": 1, "a": 1, "b": 1, "c": 3}
    bank.run([party("core", "c"), party("core", "d")], day=2)
    assert bank.ids() == {"x": 1, "a": 1, "b": 1, "c": 3, "d": 4}


def test_refused_links_are_kept_with_their_reason(bank: Bank) -> None:
    result = bank.run(
        [
            party("core", "a", id_number_hash="1", birth_date=BIRTH),
            party("core", "b", id_number_hash="1", birth_date=date(1990, 1, 1)),
            *(party("core", f"s{n}", email="info@shop.example") for n in range(5)),
        ],
        day=0,
    )
    assert result.refused == {"conflict": 1, "shared_key": 1}
    conflict = {"rule": "id_number", "reason": "conflict", "column": "birth_date", "source_system": "core",
                "source_id": "a", "other_system": "core", "other_id": "b", "records": 2}  # fmt: skip
    shared = {"rule": "email", "reason": "shared_key", "column": None, "source_system": "core",
              "source_id": "s0", "other_system": None, "other_id": None, "records": 5}  # fmt: skip
    assert bank.conflicts() == [shared, conflict]


def test_a_refused_link_that_another_rule_makes_is_no_conflict(bank: Bank) -> None:
    everybody = {"phone": "9", "birth_date": BIRTH}
    bank.identity = bank.identity.model_copy(update={"conflicts": ("name",)})
    result = bank.run(
        [
            party("core", "a", name="A", **everybody),
            party("core", "b", name="B", **everybody),
            party("core", "c", email="c", **everybody),
            party("core", "d", name="A", email="c"),
        ],
        day=0,
    )
    ids = bank.ids()
    assert ids["c"] == ids["d"] != ids["a"]
    assert result.refused == {"conflict": 1, "ambiguous": 1}


def test_a_column_that_parties_do_not_have_is_named(bank: Bank) -> None:
    bank.identity = Identity(rules=(MatchRule(name="typo", on=("fone",)),))
    with pytest.raises(CultivaError) as caught:
        bank.run([party("core", "a")], day=0)
    assert "did you mean 'phone'?" in str(caught.value)


def test_a_customer_has_every_column_from_the_most_trusted_record_that_has_it(bank: Bank) -> None:
    bank.run(
        [
            party("card", "x", id_number_hash="1", name="Card", phone="9", opened_on=date(2001, 1, 1)),
            party("core", "a", id_number_hash="1", name="Old", address="there", opened_on=date(2002, 1, 1)),
            party("core", "b", id_number_hash="1", name="New", opened_on=date(2003, 1, 1)),
            party("fund", "f", name="Other"),
        ],
        day=0,
    )
    [one, other] = bank.customers(day=0)
    shown = ("customer_id", "name", "phone", "address", "opened_on", "id_number_hash", "gender")
    assert [one[name] for name in shown] == [1, "New", "9", "there", date(2001, 1, 1), "1", None]
    assert [other[name] for name in shown] == [2, "Other", None, None, None, None, None]
    assert "source_id" not in one


@pytest.mark.spark
def test_both_engines_find_the_same_customers(duckdb_engine: Engine, spark_engine: Engine, tmp_path: Path) -> None:
    def found(engine: Engine) -> list[object]:
        bank = Bank(engine, tmp_path / engine.name)
        bank.run(random_parties(8, 150), day=0)
        result = bank.run(random_parties(9, 160), day=1)
        written = [result.mapping.fingerprint, result.conflicts.fingerprint, result.changes, result.refused]
        return [*written, bank.ids(), bank.conflicts(), bank.customers(day=1)]

    assert found(duckdb_engine) == found(spark_engine)
