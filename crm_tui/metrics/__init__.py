"""The metric dictionary: every figure's definition beside its SQL, and the standard analysis models."""

from __future__ import annotations

from dataclasses import dataclass

from crm_tui.metrics import ageing, care, dwell, forecast, funnel, leads, pipeline
from crm_tui.metrics.base import Definition

METRICS: tuple[Definition, ...] = (
    *pipeline.DEFINITIONS,
    *funnel.DEFINITIONS,
    *dwell.DEFINITIONS,
    *ageing.DEFINITIONS,
    *forecast.DEFINITIONS,
    *leads.DEFINITIONS,
    *care.DEFINITIONS,
)


@dataclass(frozen=True)
class Model:
    """A standard analysis: its report name and the figures it shows."""

    name: str
    metrics: tuple[Definition, ...]

    @property
    def name_key(self) -> str:
        """The catalog key of the model's name."""
        return f"metric.model.{self.name}"

    @property
    def text_key(self) -> str:
        """The catalog key of the sentence that says which rows count."""
        return f"metric.model.{self.name}.how"


_SUMMARY = tuple(one for one in pipeline.DEFINITIONS if one is not pipeline.NEW_DEALS)
_TOP = (pipeline.WON_AMOUNT, pipeline.WON)
_COHORT = (pipeline.DEALS, pipeline.WON, pipeline.LOST, funnel.REACHED, funnel.CONVERSION)
_FUNNEL = (leads.LEADS, leads.LEADS_CLOSED, leads.LEAD_RATE, *funnel.DEFINITIONS)

MODELS: tuple[Model, ...] = (
    Model("summary", _SUMMARY),
    Model("funnel", _FUNNEL),
    Model("dwell", dwell.DEFINITIONS),
    Model("ageing", ageing.DEFINITIONS),
    Model("backlog", (leads.BACKLOG,)),
    Model("top", _TOP),
    Model("cohort", _COHORT),
    Model("forecast", forecast.DEFINITIONS),
)


def definition(key: str) -> Definition:
    """Return the definition of a figure.

    Raises:
        KeyError: there is no such figure.
    """
    return {one.key: one for one in METRICS}[key]


def model(name: str) -> Model:
    """Return a standard analysis.

    Raises:
        KeyError: there is no such model.
    """
    return {one.name: one for one in MODELS}[name]
