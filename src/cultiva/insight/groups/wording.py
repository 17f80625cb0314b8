"""Traits in words: one sentence per group, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Sequence

from cultiva.definitions.base import Label
from cultiva.insight.groups.traits import Trait, TraitKind
from cultiva.insight.groups.vocabulary import Vocabulary

TRAITS_SAID_MAX = 4
"""Traits that a sentence names."""
BANK = Label(zh="全行", en="bank")
"""Everybody, for segments."""
GROUP = Label(zh="该客群", en="group")
"""Everybody, for the clusters of one group."""


def sentence(
    label: Label, size: int, total: int, traits: Sequence[Trait], *, words: Vocabulary, against: Label = BANK
) -> Label:
    """Describes a group: how large it is and what sets it apart.

    Args:
        label: The group's name.
        size: Its members.
        total: Members of what it is compared with.
        traits: Its traits, strongest first.
        words: Labels of tags and values.
        against: What it is compared with.

    Returns:
        The sentence in both languages.
    """
    if size == 0:
        return Label(zh=f"{label.zh}：目前没有客户。", en=f"{label.en}: no customers at present.")
    share = size / total if total else 0.0
    plural = "" if size == 1 else "s"
    head_zh = f"{label.zh}：{size:,} 人，占{against.zh} {share:.1%}"
    head_en = f"{label.en}: {size:,} customer{plural}, {share:.1%} of the {against.en}"
    said = [phrase(trait, words=words, against=against) for trait in traits[:TRAITS_SAID_MAX]]
    if not said:
        return Label(zh=f"{head_zh}；与{against.zh}相比没有明显特征。", en=f"{head_en}; nothing sets it apart.")
    return Label(
        zh=f"{head_zh}；特征：{'；'.join(part.zh for part in said)}。",
        en=f"{head_en}; set apart by {'; '.join(part.en for part in said)}.",
    )


def phrase(trait: Trait, *, words: Vocabulary, against: Label = BANK) -> Label:
    """One trait in words."""
    tag, value = words.tag(trait.tag), words.value(trait.tag, trait.value)
    more = trait.strength > 0
    if trait.kind is TraitKind.MEAN:
        here, there = _number(trait.here), _number(trait.everywhere)
        return Label(
            zh=f"{tag.zh}更{'高' if more else '低'}（平均 {here.zh}，{against.zh} {there.zh}）",
            en=f"{'higher' if more else 'lower'} {tag.en} ({here.en} on average, {against.en} {there.en})",
        )
    shares = f"{trait.here:.0%}", f"{trait.everywhere:.0%}"
    what = _what(trait, tag, value)
    return Label(
        zh=f"{'更多' if more else '更少'}{what.zh}（{shares[0]}，{against.zh} {shares[1]}）",
        en=f"{'more' if more else 'less'} often {what.en} ({shares[0]}, {against.en} {shares[1]})",
    )


def _what(trait: Trait, tag: Label, value: Label) -> Label:
    if trait.kind is TraitKind.UNKNOWN:
        return Label(zh=f"{tag.zh}未知", en=f"unknown {tag.en}")
    if trait.value == "true":
        return tag
    return Label(zh=f"{tag.zh}为{value.zh}", en=f"{tag.en} {value.en}")


def _number(number: float) -> Label:
    """Short forms: 12.3万 and 123k."""
    return Label(zh=_short(number, _ZH), en=_short(number, _EN))


_ZH = ((1e8, 1e8, "亿", 2), (1e4, 1e4, "万", 1))
_EN = ((1e9, 1e9, "bn", 2), (1e6, 1e6, "m", 2), (1e4, 1e3, "k", 0), (1e3, 1e3, "k", 1))
"""From which size, in which unit, its name, digits after the point."""


def _short(number: float, units: Sequence[tuple[float, float, str, int]]) -> str:
    for least, unit, name, digits in units:
        if abs(number) >= least:
            return f"{number / unit:.{digits}f}{name}"
    return _small(number)


def _small(number: float) -> str:
    if abs(number) >= 100 or number == int(number):
        return f"{number:.0f}"
    return f"{number:.1f}" if abs(number) >= 1 else f"{number:.2g}"
