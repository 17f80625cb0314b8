from __future__ import annotations

from cultiva.definitions.base import Label
from cultiva.insight.groups.traits import Trait, TraitKind
from cultiva.insight.groups.vocabulary import Vocabulary
from cultiva.insight.groups.wording import GROUP, sentence

WORDS = Vocabulary(
    tags={
        "aum": Label(zh="资产规模", en="assets"),
        "stage": Label(zh="生命周期阶段", en="stage"),
        "has_loan": Label(zh="有贷款", en="has a loan"),
    },
    values={("stage", "growing"): Label(zh="成长期", en="growing")},
)
WEALTHY = Label(zh="财富潜客", en="Wealth candidates")
TRAITS = [
    Trait("aum", TraitKind.MEAN, "", 312_000.0, 41_000.0, 1.5),
    Trait("stage", TraitKind.SHARE, "growing", 0.45, 0.12, 0.7),
    Trait("has_loan", TraitKind.SHARE, "true", 0.02, 0.2, -0.6),
    Trait("aum", TraitKind.UNKNOWN, "", 0.3, 0.1, 0.5),
]


def test_a_group_is_described_in_both_languages() -> None:
    said = sentence(WEALTHY, 1_204, 10_000, TRAITS, words=WORDS)
    assert said.en == (
        "Wealth candidates: 1,204 customers, 12.0% of the bank; "
        "set apart by higher assets (312k on average, bank 41k); "
        "more often stage growing (45%, bank 12%); less often has a loan (2%, bank 20%); "
        "more often unknown assets (30%, bank 10%)."
    )
    assert said.zh == (
        "财富潜客：1,204 人，占全行 12.0%；特征：资产规模更高（平均 31.2万，全行 4.1万）；"
        "更多生命周期阶段为成长期（45%，全行 12%）；更少有贷款（2%，全行 20%）；更多资产规模未知（30%，全行 10%）。"
    )


def test_an_empty_group_and_one_like_all_others_say_so() -> None:
    assert sentence(WEALTHY, 0, 10, [], words=WORDS).en == "Wealth candidates: no customers at present."
    assert sentence(WEALTHY, 5, 10, [], words=WORDS, against=GROUP).zh == (
        "财富潜客：5 人，占该客群 50.0%；与该客群相比没有明显特征。"
    )


def test_a_tag_without_a_label_is_called_by_its_name() -> None:
    odd = [Trait("odd", TraitKind.MEAN, "", 0.25, 12.3, -1)]
    assert "lower odd (0.25 on average, bank 12.3)" in sentence(WEALTHY, 1, 2, odd, words=WORDS).en
