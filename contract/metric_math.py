"""CloudWatch's metric math: what an expression makes of series of points. Pure functions, nothing of AWS.

The rules are those of the CloudWatch user guide, "Using metric math"; its tables are held against this in
tests/contract/test_metric_math.py. What is not listed there is refused, not guessed.
"""

import ast
import math
import operator
import re
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Never

from contract.errors import WrongUseError
from contract.metric_series import (
    NoNumberError,
    Series,
    Value,
    across,
    chosen,
    filled,
    joined,
    mapped,
    paired,
    rate,
    repeated,
)

METRICS_AT_MOST = 10  # of one alarm: CloudWatch quotas
CHARACTERS_AT_MOST = 2048
_ID = re.compile(r"[a-z]\w*")
# Of CloudWatch's operators these are spelt otherwise in Python, whose parser knows the same precedence.
_SPELT = {"AND": " and ", "&&": " and ", "OR": " or ", "||": " or ", "^": "**"}
_WORDS = re.compile(r'"[^"]*"|\bAND\b|\bOR\b|&&|\|\||\^')
_BINARY: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.And: lambda a, b: bool(a) and bool(b),
    ast.Or: lambda a, b: bool(a) or bool(b),
}
_EACH: Mapping[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
_TOGETHER: Mapping[str, Callable[[list[float]], float]] = {
    "SUM": math.fsum,
    "AVG": statistics.fmean,
    "MIN": min,
    "MAX": max,
    "STDDEV": statistics.pstdev,
}
BAND = "ANOMALY_DETECTION_BAND"


class MathError(WrongUseError):
    """An expression that CloudWatch would refuse, or that is not known here."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression, parsed."""

    text: str
    tree: ast.expr

    @property
    def names(self) -> frozenset[str]:
        """Ids of metrics and of other expressions it uses."""
        nodes = [node for node in ast.walk(self.tree) if isinstance(node, ast.Name)]
        return frozenset(node.id for node in nodes if _ID.fullmatch(node.id))

    def of(self, metrics: Mapping[str, Series], period_s: float, more: Mapping[str, Value]) -> Series:
        """The series it makes of the metrics; `more`: results of other expressions."""
        try:
            found = _Evaluation(self.text, metrics, period_s, more).value(self.tree)
        except NoNumberError as wrong:
            raise MathError(f"{self.text}: {wrong}") from None
        if isinstance(found, Series):
            return found
        raise MathError(f"{self.text}: the result must be a single time series")


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """MathError says what CloudWatch would refuse."""
    if len(text) > CHARACTERS_AT_MOST:
        raise MathError(f"{text[:40]}...: an expression has at most {CHARACTERS_AT_MOST} characters")
    spelt = _WORDS.sub(lambda found: _SPELT.get(found[0], found[0]), text)
    try:
        tree = ast.parse(spelt.strip(), mode="eval").body
    except (SyntaxError, ValueError) as wrong:
        raise MathError(f"{text}: not an expression of metric math: {wrong.args[0]}") from None
    _check(text, tree)
    return Expression(text, tree)


def _check(text: str, tree: ast.expr) -> None:
    """Names and functions are known; whether arguments fit is found when it is evaluated."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) in called:
            if node.id not in FUNCTIONS and node.id != BAND:
                raise MathError(f"{text}: {node.id} is no function known here: {', '.join(FUNCTIONS)}")
        elif (
            isinstance(node, ast.Name) and not _ID.fullmatch(node.id) and node.id not in {"REPEAT", "LINEAR"}
        ):
            raise MathError(f"{text}: {node.id} is no id: ids start with a lowercase letter")


@dataclass(frozen=True, slots=True)
class _Evaluation:
    text: str
    metrics: Mapping[str, Series]
    period_s: float
    more: Mapping[str, Value]

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self._named(name)
            case ast.List(elts=parts):
                return tuple(one for part in parts for one in self._several(part))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                return FUNCTIONS[name](self, name, arguments)
        return self._operation(node)

    def _operation(self, node: ast.expr) -> Value:
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return paired(operator.mul, -1.0, self.value(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return paired(_BINARY[type(op)], self.value(left), self.value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _BINARY:
                return paired(_BINARY[type(op)], self.value(left), self.value(right))
            case ast.BoolOp(op=op, values=several):
                return reduce(lambda a, b: paired(_BINARY[type(op)], a, b), map(self.value, several))
        return self._refuse(f"{ast.unparse(node)} is not understood here")

    def _named(self, name: str) -> Value:
        found = self.metrics.get(name, self.more.get(name))
        return self._refuse(f"there is no {name}") if found is None else found

    def _several(self, node: ast.expr) -> tuple[Series, ...]:
        found = self.value(node)
        if isinstance(found, Series):
            return (found,)
        return found if isinstance(found, tuple) else self._refuse("a number stands where series are needed")

    def _refuse(self, why: str) -> Never:
        raise MathError(f"{self.text}: {why}")

    # --- functions: each takes its arguments unevaluated --------------------------------------------------

    def each(self, name: str, arguments: list[ast.expr]) -> Value:
        (only,) = self.count(name, arguments, 1)
        return mapped(_EACH[name], self.value(only))

    def together(self, name: str, arguments: list[ast.expr]) -> Value:
        """Of one series a number over time; of several a series, moment by moment."""
        (only,) = self.count(name, arguments, 1)
        found = self.value(only)
        if isinstance(found, tuple):
            return across(_TOGETHER[name], found, missing_is_0=name == "AVG")
        if isinstance(found, Series):
            there = [value for value in found.values if value is not None]
            return _TOGETHER[name](there) if there else 0.0
        return self._refuse(f"{name} is of series, not of a number")

    def metrics_of(self, _: str, arguments: list[ast.expr]) -> Value:
        match arguments:
            case []:
                return tuple(self.metrics.values())
            case [ast.Constant(value=str() as part)]:
                return tuple(series for name, series in self.metrics.items() if part in name)
        return self._refuse('METRICS takes nothing, or a part of ids: METRICS("errors")')

    def fill(self, name: str, arguments: list[ast.expr]) -> Value:
        what, filler = self.count(name, arguments, 2)
        found = self.value(what)
        if isinstance(found, float):
            self._refuse("FILL is of series, not of a number")
        how: Callable[[Series], Series]
        if isinstance(filler, ast.Name) and filler.id == "REPEAT":
            how = repeated
        elif isinstance(filler, ast.Name) and filler.id == "LINEAR":
            how = joined
        else:
            how = self._filler(self.value(filler))
        return how(found) if isinstance(found, Series) else tuple(how(one) for one in found)

    def _filler(self, value: Value) -> Callable[[Series], Series]:
        if isinstance(value, tuple):
            self._refuse("FILL fills with a number or one series")
        return lambda series: filled(series, value)

    def choose(self, _: str, arguments: list[ast.expr]) -> Value:
        if len(arguments) not in {2, 3}:
            self._refuse("IF takes a condition, a value and perhaps another")
        condition, yes, *rest = (self.value(argument) for argument in arguments)
        no = rest[0] if rest else None
        if isinstance(condition, tuple) or isinstance(yes, tuple) or isinstance(no, tuple):
            self._refuse("IF is of single series and numbers")
        if isinstance(condition, Series):
            return chosen(condition, yes, no)
        if isinstance(yes, float):
            self._refuse("IF of a number chooses between series")
        return yes if condition else (no if no is not None else Series((None,) * len(yes.values)))

    def rate(self, name: str, arguments: list[ast.expr]) -> Value:
        (only,) = self.count(name, arguments, 1)
        found = self.value(only)
        if isinstance(found, float):
            self._refuse("RATE is of series, not of a number")
        if isinstance(found, Series):
            return rate(found, self.period_s)
        return tuple(rate(one, self.period_s) for one in found)

    def period(self, name: str, arguments: list[ast.expr]) -> Value:
        (only,) = self.count(name, arguments, 1)
        if isinstance(only, ast.Name) and only.id in self.metrics:
            return self.period_s
        return self._refuse("PERIOD is of a metric")

    def metric_count(self, name: str, arguments: list[ast.expr]) -> Value:
        (only,) = self.count(name, arguments, 1)
        return float(len(self._several(only)))

    def count(self, name: str, arguments: list[ast.expr], wanted: int) -> list[ast.expr]:
        if len(arguments) != wanted:
            self._refuse(f"{name} takes {wanted} argument{'s' if wanted > 1 else ''}")
        return arguments


FUNCTIONS: Mapping[str, Callable[[_Evaluation, str, list[ast.expr]], Value]] = {
    **dict.fromkeys(_EACH, _Evaluation.each),
    **dict.fromkeys(_TOGETHER, _Evaluation.together),
    "FILL": _Evaluation.fill,
    "IF": _Evaluation.choose,
    "METRICS": _Evaluation.metrics_of,
    "METRIC_COUNT": _Evaluation.metric_count,
    "PERIOD": _Evaluation.period,
    "RATE": _Evaluation.rate,
}
