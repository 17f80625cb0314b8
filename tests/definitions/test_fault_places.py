"""One fault at a time: its place, its kind, the value seen and what is suggested."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.definitions.conftest import FILES, Check

QUOTED = " a text stands in single quotes: '{seen}'"
"""What the rule language adds to every suggestion for an unknown name."""


@dataclass(frozen=True)
class Case:
    """A change that makes one fault."""

    name: str
    file: str
    old: str
    new: str
    place: str
    code: str
    seen: str = ""
    hint: str = ""
    message: str = ""
    warning: bool = False


TAGS, SEGMENTS, SOURCES = "tags/tags.yaml", "segments/segments.yaml", "sources/core.yaml"
STRATEGY, POLICY, VALUE, STAGES = "strategies/strategies.yaml", "contact_policy.yaml", "value.yaml", "lifecycle.yaml"

FIELDS = [
    Case("unknown field", TAGS, "  column: birth_date", "  colum: birth_date", "{f}:8:3", "definitions.unknown_field",
         "colum", "did you mean 'column'?"),
    Case("unknown field of an inner mapping", STAGES, "    rule: aum < 100", "    rule: aum < 100\n    rul: x",
         "{f}:5:5",
         "definitions.unknown_field", "rul", "did you mean 'rule'?"),
    Case("missing field", SEGMENTS, "  label: { zh: 成人, en: Adults }\n", "", "{f}:1:3", "definitions.missing_field",
         hint="add label:", message="the field 'label' is missing"),
    Case("value that is not allowed", TAGS, "  type: money", "  type: mony", "{f}:15:9", "definitions.value", "mony",
         "did you mean 'money'?"),
    Case("bad name", SEGMENTS, "- name: adults", "- name: Adult s", "{f}:1:9", "definitions.value", "Adult s",
         message="not a name; a name has lower case letters, digits and underscores, beginning with a letter, "
         "at most 63 characters"),
    Case("number where a text is needed", TAGS, "zh: 类型", "zh: 12", "{f}:2:16", "definitions.value", "12",
         "write it in quotes"),
    Case("share above one", STRATEGY, "  rank: aum * 0.01", "  rank: aum * 0.01\n  holdout: 1.5", "{f}:10:12",
         "definitions.value", "1.5"),
    Case("not a mapping", POLICY, FILES[POLICY], "- 1\n", "{f}:1:1", "definitions.type", "a list"),
    Case("not a list", "events.yaml", FILES["events.yaml"], "name: loan_started\n", "{f}:1:1", "definitions.type",
         "a mapping"),
    Case("two ways to make a tag", TAGS, "  column: birth_date", "  column: birth_date\n  expression: today",
         "{f}:5:3", "definitions.value",
         message="a tag needs exactly one of column, aggregate, expression, external, score"),
    Case("field of a mapped column", SOURCES, "{ from: kind, codes", "{ frm: kind, codes", "{f}:13:21",
         "definitions.unknown_field", "frm", "did you mean 'from'?"),
    Case("key given twice", TAGS, "  type: date\n", "  type: date\n  type: text\n", "{f}:8:3",
         "definitions.duplicate_key", "type", message="'type' is given twice; the first is at {f}:7:3"),
    Case("setting", "cultiva.toml", 'name = "bank"', 'name = "bank"\nlanguage = "zz"', "{f}:2:12", "definitions.value",
         "zz"),
    Case("setting of a section", "cultiva.toml", "[vars]", '[engine]\nnam = "spark"\n[vars]', "{f}:4:1",
         "definitions.unknown_field", "nam", "did you mean 'name'?"),
]  # fmt: skip

RULES = [
    Case("name in a plain rule", TAGS, "years_between(birth_date, today)", "years_between(birthdate, today)",
         "{f}:20:29", "rules.unknown_name", "birthdate", "did you mean 'birth_date'?"),
    Case("name in a literal block", SEGMENTS, "and aum >= 50000", "and aun >= 50000", "{f}:8:11",
         "rules.unknown_name", "aun", "did you mean 'aum'?"),
    Case("name in a folded block", SEGMENTS, "  rule: age >= 18", "  rule: >-\n    age >= 18\n    and agee < 90",
         "{f}:5:9", "rules.unknown_name", "agee", "did you mean 'age'?"),
    Case("name in quotes", STRATEGY, "  rank: aum * 0.01", "  rank: 'aum * rat'", "{f}:9:16", "rules.unknown_name",
         "rat"),
    Case("name in double quotes", STRATEGY, "  rank: aum * 0.01", '  rank: "aum * aun"', "{f}:9:16",
         "rules.unknown_name", "aun", "did you mean 'aum'?"),
    Case("name of a row", TAGS, "where: is_open", "where: isopen", "{f}:16:70", "rules.unknown_name", "isopen",
         "did you mean 'is_open'?"),
    Case("parameter of the value model", VALUE, "balance * rate", "balance * rte", "{f}:5:66", "rules.unknown_name",
         "rte", "did you mean 'rate'?"),
    Case("function", SEGMENTS, "age >= 18", "flor(age) >= 18", "{f}:3:9", "rules.unknown_function", "flor",
         "did you mean 'floor'?"),
    Case("segment", SEGMENTS, "segment('adults')", "segment('adult')", "{f}:7:5", "rules.unknown_segment", "adult",
         "did you mean 'adults'?"),
    Case("event", SEGMENTS, "age >= 18", "event_count('loan_start', 7) > 0", "{f}:3:9", "rules.unknown_event",
         "loan_start", "did you mean 'loan_started'?"),
    Case("type of a condition", SEGMENTS, "age >= 18", "age + 1", "{f}:3:9", "rules.wrong_type", "an integer",
         "compare it with something"),
    Case("types of a comparison", SEGMENTS, "age >= 18", "age >= 'x'", "{f}:3:9", "rules.wrong_types"),
    Case("type of a tag", TAGS, "years_between(birth_date, today)", "birth_date", "{f}:20:15", "rules.wrong_type",
         "a date"),
    Case("syntax", SEGMENTS, "age >= 18", "age >= (18", "{f}:3:16", "rules.bracket", "(", "add )"),
]  # fmt: skip

REFERENCES = [
    Case("offer", STRATEGY, "offers: [deposit]", "offers: [deposit, deposits]", "{f}:7:21", "definitions.unknown_offer",
         "deposits", "did you mean 'deposit'?"),
    Case("channel of a strategy", STRATEGY, "channels: [app]", "channels: [ap]", "{f}:8:14",
         "definitions.unknown_channel", "ap", "did you mean 'app'?"),
    Case("channel of a cap", POLICY, "channel: app,", "channel: sms,", "{f}:6:32", "definitions.unknown_channel",
         "sms"),
    Case("stage", STRATEGY, "stages: [mature]", "stages: [matur]", "{f}:5:12", "definitions.unknown_stage", "matur",
         "did you mean 'mature'?"),
    Case("tier", STRATEGY, "tiers: [high]", "tiers: [hihg]", "{f}:6:11", "definitions.unknown_value_tier", "hihg",
         "did you mean 'high'?"),
    Case("metric", STRATEGY, "metric: aum", "metric: birth_date", "{f}:3:24", "definitions.unknown_numeric_tag",
         "birth_date"),
    Case("tag in a reason", STRATEGY, '"{age} 岁"', '"现年 {agee} 岁"', "{f}:10:16", "definitions.unknown_tag",
         "agee", "did you mean 'age'?"),
    Case("view", TAGS, "table: holding", "table: holdings", "{f}:16:23", "definitions.unknown_view", "holdings",
         "did you mean 'holding'?"),
    Case("column of party", TAGS, "  column: branch_id", "  column: branch", "{f}:12:11",
         "definitions.unknown_party_column", "branch", "did you mean 'branch_id'?"),
    Case("peer", VALUE, "peers: [party_type]", "peers: [partytype]", "{f}:6:22", "definitions.unknown_tag", "partytype",
         "did you mean 'party_type'?"),
    Case("banded tag", VALUE, "of: comprehensive_value", "of: comprehensive", "{f}:10:9",
         "definitions.unknown_numeric_tag", "comprehensive", "did you mean 'comprehensive_value'?"),
    Case("stage in a rule", SEGMENTS, "age >= 18", "stage = 'matured'", "{f}:3:17", "definitions.unknown_value",
         "matured", "did you mean 'mature'?"),
    Case("code in a rule", SEGMENTS, "age >= 18", "party_type = 'people'", "{f}:3:22", "definitions.unknown_value",
         "people", "did you mean 'person'?"),
    Case("code in a row rule", TAGS, "category = 'deposit'", "category = 'deposits'", "{f}:16:93",
         "definitions.unknown_value", "deposits", "did you mean 'deposit'?"),
    Case("type of a column", TAGS, "  type: date\n", "  type: text\n", "{f}:7:9", "definitions.tag_type", "text"),
    Case("sum that is a text", TAGS, "  type: money", "  type: text", "{f}:15:9", "definitions.tag_type", "text"),
    Case("name that the platform makes", TAGS, "- name: branch_id", "- name: stage", "{f}:9:9",
         "definitions.reserved_name", "stage", "rename the tag"),
]  # fmt: skip

SOURCE_FAULTS = [
    Case("constant that is no date", SOURCES, "birth_date: born", "birth_date: { value: 1994-02-30 }", "{f}:14:28",
         "definitions.constant_type", "1994-02-30",
         message="the constant cannot become birth_date, which is date"),
    Case("constant that is no amount", SOURCES, "balance: balance }", "balance: { value: CZK } }", "{f}:30:61",
         "definitions.constant_type", "CZK"),
    Case("input", SOURCES, "    from: customers", "    from: customer", "{f}:9:11", "definitions.unknown_input",
         "customer", "did you mean 'customers'?"),
    Case("canonical table", SOURCES, "  - table: holder", "  - table: holders", "{f}:19:12",
         "definitions.unknown_table", "holders", "did you mean 'holder'?"),
    Case("canonical column", SOURCES, "      birth_date: born", "      birthdate: born", "{f}:14:7",
         "definitions.unknown_column", "birthdate", "did you mean 'birth_date'?"),
    Case("required column", SOURCES, "      source_id: id\n", "", "{f}:10:5", "definitions.unmapped_column", "nothing",
         "add source_id: to columns"),
    Case("required column of a select", SOURCES, "product as product_id, ", "", "{f}:18:5",
         "definitions.unmapped_column", "nothing", "select ... as product_id"),
    Case("column of a select", SOURCES, "opened as opened_on", "opened as opened_on, 1 as one", "{f}:18:5",
         "definitions.unknown_column", "one"),
    Case("select that is none", SOURCES, "select id as", "selct id as", "{f}:18:22", "definitions.select"),
    Case("code", SOURCES, "P: person", "P: persons", "{f}:13:45", "definitions.unknown_code", "persons",
         "did you mean 'person'?"),
    Case("constant", SOURCES, "role: { value: owner }", "role: { value: owners }", "{f}:26:22",
         "definitions.unknown_code", "owners", "did you mean 'owner'?"),
    Case("column made of nothing", SOURCES, "role: { value: owner }", "role: { codes: { a: owner } }", "{f}:26:13",
         "definitions.column_source"),
    Case("format of a text", SOURCES, "from: kind, codes", "from: kind, format: '%d', codes", "{f}:13:33",
         "definitions.column_format"),
    Case("variable", SOURCES, "file: ${data}/accounts", "file: x/${dat}/accounts", "{f}:5:13", "definitions.no_value",
         "dat", "did you mean 'data'?"),
    Case("row rule", SOURCES, "    columns: { account_id: id, date", "    rules: [{ name: some, rule: balanc > 0 }]\n"
         "    columns: { account_id: id, date", "{f}:30:33", "rules.unknown_name", "balanc", "did you mean 'balance'?"),
]  # fmt: skip

STRUCTURE = [
    Case("double tag", TAGS, "- name: branch_id", "- name: aum", "{f}:13:9", "definitions.duplicate_name", "aum",
         message="tag 'aum' is defined twice; the first is at {f}:9:3"),
    Case("double stage", STAGES, "- name: mature", "- name: new", "{f}:5:11", "definitions.duplicate_name", "new",
         message="stage 'new' is defined twice; the first is at {f}:2:5"),
    Case("last stage", STAGES, "rule: true", "rule: aum >= 100", "{f}:7:11", "definitions.last_stage", "aum >= 100"),
    Case("stage left out of the order", STAGES, "stages:", "order: [new]\nstages:", "{f}:1:1",
         "definitions.stage_order", message="stages are not in the order shown: mature"),
    Case("no value tier", VALUE, "- name: value_tier", "- name: valu_tier", "{f}:7:1", "definitions.no_value_tier",
         "valu_tier", "rename 'valu_tier' to value_tier"),
    Case("bands that do not ascend", VALUE, "{ name: low, label: { zh: 低, en: Low } }",
         "{ name: low, label: { zh: 低, en: Low } }\n      - { name: mid, label: { zh: 中, en: Mid }, from: 200 }",
         "{f}:14:57", "definitions.band_order", "200, then 100"),
    Case("lowest band with a from", VALUE, "en: Low }", "en: Low }, from: 5", "{f}:12:55", "definitions.band_order",
         "5"),
    Case("list that is missing", SEGMENTS, "  rule: age >= 18", "  list: lists/x.csv", "{f}:3:9",
         "definitions.list_file", "lists/x.csv", message="the list file does not exist"),
    Case("list outside of the workspace", SEGMENTS, "  rule: age >= 18", "  list: ../x.csv", "{f}:3:9",
         "definitions.list_file", "../x.csv", message="the list file lies outside of the workspace"),
    Case("capacity without a number", STRATEGY, "  stages:", "  capacity: { per: branch }\n  stages:", "{f}:5:3",
         "definitions.capacity", hint="add contacts_max: contacts per day"),
    Case("date as a peer tag", VALUE, "[party_type]", "[party_type, birth_date]", "{f}:6:34", "definitions.peer_type",
         "birth_date", "use a tiering of it, or an expression tag that gives a band",
         "a date tag cannot form peers"),
    Case("money as a peer tag", VALUE, "[party_type]", "[aum]", "{f}:6:22", "definitions.peer_type", "aum"),
]  # fmt: skip

WARNINGS = [
    Case("unused tag", TAGS, "- name: party_type", "- name: kind\n  label: { zh: 类, en: Kind }\n  type: text\n"
         "  column: party_type\n- name: party_type", "{f}:1:9", "definitions.unused_tag",
         message="no definition uses the tag 'kind'", warning=True),
    Case("unused offer", "offers/offers.yaml", "- name: deposit", "- name: loan\n  label: { zh: 贷, en: Loan }\n"
         "  kind: product\n- name: deposit", "{f}:1:9", "definitions.unused_offer", warning=True),
    Case("the same rule twice", SEGMENTS, "- name: wealthy", "- name: grown\n  label: { zh: 大, en: Grown }\n"
         "  rule: age  >= 18\n- name: wealthy", "{f}:6:9", "definitions.duplicate_rule",
         hint="use segment('adults')", message="segment 'grown' has the same rule as 'adults' at {f}:1:3",
         warning=True),
    Case("the same tag twice", TAGS, "- name: age", "- name: years\n  label: { zh: 岁, en: Years }\n  type: integer\n"
         "  expression: years_between(birth_date, today)\n- name: age", "{f}:21:9", "definitions.duplicate_tag",
         message="tag 'age' is made in the same way as 'years' at {f}:17:3", warning=True),
    Case("event that is not declared", TAGS, "{ table: holding, function: sum, value: balance, where: is_open and "
         "category = 'deposit' }", "{ table: event, function: sum, value: 1.0, where: name = 'loan_start' }",
         "{f}:16:71", "definitions.unknown_event", "loan_start", "did you mean 'loan_started'?", warning=True),
    Case("contradiction", SEGMENTS, "rule: age >= 18", "rule: age > 17 and age < 18", "{f}:3:9",
         "definitions.unreachable", warning=True),
    Case("contradiction through a segment", SEGMENTS, "and aum >= 50000", "and age < 10", "{f}:6:9",
         "definitions.unreachable", warning=True),
    Case("stage behind another", STAGES, "- name: mature", "- name: tiny\n    label: { zh: 小, en: Tiny }\n"
         "    rule: aum between 1 and 50\n  - name: mature", "{f}:7:11", "definitions.unreachable", warning=True,
         message="nobody can ever be in the stage 'tiny': 'new' is tried before"),
    Case("household cap without relationships", POLICY, "scope: channel, channel: app", "scope: household",
         "cultiva.toml", "definitions.no_source", warning=True, hint="map relationship in sources/",
         message="no source feeds the table relationship: null or 0 are every cap of scope household"),
    Case("strategy whose stage its audience excludes", STRATEGY, "audience: segment('wealthy')",
         "audience: segment('wealthy') and stage = 'new'", "{f}:4:13", "definitions.unreachable", warning=True),
]  # fmt: skip


@pytest.mark.parametrize("case", [*FIELDS, *RULES, *REFERENCES, *SOURCE_FAULTS, *STRUCTURE, *WARNINGS],
                         ids=lambda case: case.name.replace(" ", "-"))  # fmt: skip
def test_a_fault_has_its_place_and_a_suggestion(case: Case, check: Check) -> None:
    checked = check((case.file, case.old, case.new))
    prefix = f"{checked.root.as_posix()}/"
    found = [fault for fault in checked.faults if fault.code == case.code]
    assert found, "\n".join(map(str, checked.faults))
    fault = found[0]
    assert fault.place().removeprefix(prefix) == case.place.format(f=case.file)
    assert fault.seen == case.seen or not case.seen
    assert fault.hint.removesuffix(QUOTED.format(seen=fault.seen)) == case.hint or not case.hint
    assert fault.message.replace(prefix, "") == case.message.format(f=case.file) or not case.message
    assert fault.warning is case.warning
    assert (checked.workspace is None) is not case.warning


def test_an_offer_that_no_channel_of_the_strategy_carries_is_a_warning(check: Check) -> None:
    both = FILES[POLICY].replace("caps:", "  - name: sms\n    label: { zh: 短信, en: SMS }\n    kind: message\ncaps:")
    checked = check(
        ("offers/offers.yaml", "  kind: product", "  kind: product\n  channels: [sms]"), files={POLICY: both}
    )
    assert checked.at() == [("strategies/strategies.yaml:7:12", "definitions.no_common_channel")]
    assert checked.only().warning


def test_the_text_at_the_place_of_a_fault_is_the_value_seen(check: Check) -> None:
    for case in (*RULES[:7], *REFERENCES[:7], *SOURCE_FAULTS[:3], *STRUCTURE[5:7]):
        checked = check((case.file, case.old, case.new))
        fault = next(fault for fault in checked.faults if fault.code == case.code)
        line = (checked.root / case.file).read_text(encoding="utf-8").split("\n")[fault.line - 1]
        seen = case.seen.split()[-1]
        assert line[fault.column - 1 :].startswith(seen), (case.name, line[fault.column - 1 :])
