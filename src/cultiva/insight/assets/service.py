"""The columns of the profile that answer the question, as the workspace's model portfolios say."""

from __future__ import annotations

from datetime import date

from cultiva.contracts.types import DataType
from cultiva.definitions.frontier import model_weights
from cultiva.definitions.portfolios import BUCKETS, GAP_COLUMNS, MODEL_COLUMN
from cultiva.definitions.scopes import portfolio_scope
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Form
from cultiva.insight.assets.division import terms_of
from cultiva.insight.assets.forms import ModelForm, gap_forms
from cultiva.rules import compile_rule


def asset_forms(workspace: Workspace, on: date) -> dict[str, Form]:
    """How the profile's columns `scopes.asset_columns` are made.

    Args:
        workspace: A checked workspace; without model portfolios there are no such columns.
        on: Business date.

    Returns:
        Column -> form: the columns of `scopes.asset_columns`, and inner ones that they read. The model reads the party
        facts `forms.PARTY_FACTS` under `forms.inner_name`.

    Raises:
        CultivaError: if a model's budget of risk cannot be met.
    """
    portfolios = workspace.portfolios
    if portfolios is None:
        return {}
    scope = portfolio_scope(workspace)

    def amount(text: str) -> Form:
        return compile_rule(text, scope, expected=DataType.NUMBER).form(on)

    applies = compile_rule(portfolios.applies, scope, expected=DataType.BOOLEAN).form(on)
    terms = terms_of(portfolios, model_weights(portfolios))
    balances = {name: amount(bucket.balance) for name, bucket in portfolios.buckets.items()}
    needs = amount(portfolios.cash_need), amount(portfolios.protection_need or "0")
    inner, gaps = gap_forms(balances, needs, terms)
    columns = {GAP_COLUMNS[name]: gaps[name] for name in BUCKETS}
    return {MODEL_COLUMN: ModelForm(portfolios, workspace.policy, on, applies), **inner, **columns}
