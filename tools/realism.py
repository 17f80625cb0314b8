"""How alike the simulated bank and a real one are: figures, and pictures for docs/guides/realism.md.

`.venv/bin/python -m tools.realism ../shared/data/berka docs/guides/pictures` prints the table and draws the pictures.
Everything is per current account; money is relative to the median, because the banks differ in currency and year.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

import duckdb

from cultiva.simbank.living import ChannelTerms, OfferTerms
from cultiva.simbank.service import found_bank, nothing_asked

CUSTOMERS, SEED, WEEKS = 4_000, 1, 12
FIRST_DAY = date(1994, 3, 31)
GAPS = ((0, 0, "same day"), (1, 3, "1-3 days"), (4, 7, "4-7"), (8, 14, "8-14"), (15, 30, "15-30"), (31, 9999, "more"))
"""Classes of days between two movements of an account."""
QUANTILES = (0.05, 0.10, 0.25, 0.75, 0.90, 0.95)
COUNTS = ((0, 0, "none"), (1, 2, "1-2"), (3, 5, "3-5"), (6, 10, "6-10"), (11, 9999, "more"))
"""Classes of movements per account and calendar month."""
COLORS = ("#1f2937", "#0f766e", "#99d5cf")
FONT = "system-ui,'Noto Sans',sans-serif"


@dataclass(frozen=True)
class Shape:
    """What one bank's current accounts look like."""

    name: str
    accounts: int
    balances: tuple[float, ...]
    """Quantiles of the last balance as multiples of the median, at QUANTILES."""
    gaps: tuple[float, ...]
    """Share of each class of GAPS."""
    months: tuple[float, ...]
    """Share of each class of COUNTS among account-months."""
    per_month: float
    """Movements per account and month."""


def berka_shape(folder: Path) -> Shape:
    """The real bank: accounts and movements until the end of February 1994, the last whole month."""
    connection = duckdb.connect()
    files = "delim = ';', header = true, all_varchar = true"
    connection.execute(f"""
        CREATE TABLE moves AS SELECT account_id AS account, strptime('19' || date, '%Y%m%d')::DATE AS day,
            CAST(trans_id AS INT) AS place, CAST(balance AS DOUBLE) AS balance
        FROM read_csv('{next(folder.glob("trans*"))}', {files})
        WHERE strptime('19' || date, '%Y%m%d') < DATE '1994-03-01'""")
    connection.execute(f"""
        CREATE TABLE accounts AS SELECT account_id AS account, strptime('19' || date, '%Y%m%d')::DATE AS opened
        FROM read_csv('{folder / "account.asc.gz"}', {files})
        WHERE strptime('19' || date, '%Y%m%d') < DATE '1994-03-01'""")
    last = "SELECT arg_max(balance, (day, place)) AS balance FROM moves GROUP BY account"
    return _shape(connection, "Berka", last, "DATE '1993-01-01'", "DATE '1994-02-28'")


def simulated_shapes(folder: Path) -> list[Shape]:
    """The simulated bank's persons: fifteen months of history, and weeks of its life without any touch."""
    bank = found_bank(
        folder, "ordinary", customers=CUSTOMERS, seed=SEED, first_day=FIRST_DAY,
        offers=[OfferTerms("deposit", "product", "deposit", 0.0)], channels=[ChannelTerms("app", False, 0.0)],
        strategies=["none"],
    )  # fmt: skip
    days = [FIRST_DAY, *(bank.live_week(nothing_asked()) for _ in range(WEEKS))]
    first = bank.delivery(FIRST_DAY)
    weeks = [bank.delivery(day) for day in days[1:]]
    return [
        _simulated("history", first, [first], "DATE '1993-01-01'", "DATE '1994-03-31'"),
        _simulated("lived weeks", weeks[-1], [first, *weeks], "DATE '1994-04-01'", f"DATE '{days[-1]}'"),
    ]


def _simulated(name: str, snapshot: Path, deliveries: Sequence[Path], since: str, until: str) -> Shape:
    connection = duckdb.connect()
    moved = [str(folder / "transaction.parquet") for folder in deliveries]
    known = [str(folder / "balance.parquet") for folder in deliveries]
    connection.execute(f"""
        CREATE TABLE accounts AS SELECT DISTINCT a.account_id AS account, try_cast(a.opened_on AS DATE) AS opened
        FROM read_csv('{snapshot / "account.csv"}', all_varchar = true) a
        JOIN read_csv('{snapshot / "holder.csv"}', all_varchar = true) h ON h.account_id = a.account_id
        JOIN read_csv('{snapshot / "party_core.csv"}', all_varchar = true) p ON p.source_id = h.source_id
        WHERE a.product_id = 'P_CURRENT' AND a.status = 'active' AND h.role = 'owner' AND p.party_type = 'person'
          AND try_cast(a.opened_on AS DATE) <= {until}""")
    connection.execute(f"""
        CREATE TABLE moves AS SELECT account_id AS account, CAST("at" AS DATE) AS day
        FROM (SELECT DISTINCT * FROM read_parquet({moved})) SEMI JOIN accounts ON account_id = account
        WHERE CAST("at" AS DATE) BETWEEN {since} AND {until}""")
    last = f"""SELECT arg_max(balance, date)::DOUBLE AS balance FROM read_parquet({known})
               SEMI JOIN accounts ON account_id = account WHERE date <= {until} GROUP BY account_id"""
    return _shape(connection, name, last, since, until)


def _shape(connection: duckdb.DuckDBPyConnection, name: str, last: str, since: str, until: str) -> Shape:
    """Figures from the tables `accounts` and `moves` and a query for the last balances."""
    accounts = _one(connection, "SELECT count(*) FROM accounts")
    wanted = ", ".join(f"quantile_cont(balance, {q}) / median(balance)" for q in QUANTILES)
    balances = connection.sql(f"SELECT {wanted} FROM ({last})").fetchall()[0]
    gaps = _classes(connection, GAPS, """
        SELECT day - lag(day) OVER (PARTITION BY account ORDER BY day) AS size FROM moves""")  # fmt: skip
    months = f"""
        SELECT account, month, count(day) AS size
        FROM (SELECT account, unnest(generate_series(greatest(date_trunc('month', opened) + INTERVAL 1 MONTH, {since}),
              {until} - INTERVAL 27 DAY, INTERVAL 1 MONTH)) AS month FROM accounts)
        LEFT JOIN moves USING (account)
        GROUP BY ALL"""
    months = months.replace("count(day)", "count(day) FILTER (date_trunc('month', day) = month)")
    counts = _classes(connection, COUNTS, months)
    per_month = _one(connection, f"SELECT avg(size) FROM ({months})")
    return Shape(name, int(accounts), tuple(balances), gaps, counts, per_month)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    return float(connection.sql(query).fetchall()[0][0])


def _classes(
    connection: duckdb.DuckDBPyConnection, classes: Sequence[tuple[int, int, str]], query: str
) -> tuple[float, ...]:
    wanted = ", ".join(f"avg((size BETWEEN {low} AND {high})::INT)" for low, high, _ in classes)
    return tuple(connection.sql(f"SELECT {wanted} FROM ({query}) WHERE size IS NOT NULL").fetchall()[0])


def table(shapes: Sequence[Shape]) -> list[str]:
    """The table of the guide, line by line."""
    lines = ["| | " + " | ".join(shape.name for shape in shapes) + " |", "|---|" + "---|" * len(shapes)]

    def row(label: str, values: Sequence[str]) -> None:
        lines.append(f"| {label} | " + " | ".join(values) + " |")

    row("current accounts", [f"{shape.accounts:,}" for shape in shapes])
    row("movements per account and month", [f"{shape.per_month:.1f}" for shape in shapes])
    for place, (_, _, label) in enumerate(COUNTS):
        row(f"months with {label} movements", [f"{shape.months[place]:.0%}" for shape in shapes])
    for place, (_, _, label) in enumerate(GAPS):
        row(f"next movement: {label}", [f"{shape.gaps[place]:.0%}" for shape in shapes])
    for place, quantile in enumerate(QUANTILES):
        row(f"balance, {quantile:.0%} quantile / median", [f"{shape.balances[place]:.2f}" for shape in shapes])
    return lines


def bars(labels: Sequence[str], shapes: Sequence[Shape], values: Sequence[Sequence[float]], unit: str) -> str:
    """Grouped bars: one group per label, one bar per bank."""
    most = max(max(row) for row in values)
    wide, high, group = 22, 180, 22 * len(shapes) + 26
    out = []
    for place, label in enumerate(labels):
        left = 16 + place * group
        for bank, row in enumerate(values):
            size = high * row[place] / most
            out.append(f'<rect x="{left + bank * wide}" y="{30 + high - size:.1f}" width="{wide - 3}" '
                       f'height="{size:.1f}" fill="{COLORS[bank]}"/>')  # fmt: skip
            text = f"{row[place]:.0%}" if unit == "share" else f"{row[place]:.1f}"
            out.append(f'<text x="{left + bank * wide + wide / 2 - 1.5:.1f}" y="{26 + high - size:.1f}" font-size="9" '
                       f'text-anchor="middle" fill="#6b7280">{text}</text>')  # fmt: skip
        middle = left + wide * len(shapes) / 2
        out.append(f'<text x="{middle:.0f}" y="{high + 48}" text-anchor="middle" fill="#1f2937">{escape(label)}</text>')
    for bank, shape in enumerate(shapes):
        left = 16 + bank * 120
        out.append(f'<rect x="{left}" y="{high + 64}" width="10" height="10" fill="{COLORS[bank]}"/>')
        out.append(f'<text x="{left + 15}" y="{high + 73}" fill="#1f2937">{escape(shape.name)}</text>')
    width = 16 + group * len(labels)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {high + 84}" width="{width}" role="img" '
            f'font-family="{FONT}" font-size="12">')  # fmt: skip
    return "\n".join([head, f'<rect width="{width}" height="{high + 84}" fill="#ffffff"/>', *out, "</svg>\n"])


def pictures(shapes: Sequence[Shape]) -> dict[str, str]:
    """The guide's pictures by file name."""
    return {
        "realism-gaps.svg": bars([one[2] for one in GAPS], shapes, [shape.gaps for shape in shapes], "share"),
        "realism-months.svg": bars([one[2] for one in COUNTS], shapes, [shape.months for shape in shapes], "share"),
        "realism-balances.svg": bars(
            [f"{quantile:.0%}" for quantile in QUANTILES], shapes, [shape.balances for shape in shapes], "multiple"
        ),
    }


def main() -> int:
    """Prints the table and draws the pictures."""
    berka, target = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        shapes = [berka_shape(berka), *simulated_shapes(Path(folder))]
    print("\n".join(table(shapes)))
    for name, picture in pictures(shapes).items():
        (target / name).write_text(picture, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
