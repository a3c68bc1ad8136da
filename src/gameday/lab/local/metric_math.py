"""CloudWatch's metric math, as far as the local lab evaluates it: one value from the values of one window.

Names, numbers, ``+ - * /``, unary minus, parentheses, ``ABS(x)``, and ``FILL(x, n)`` with a number or metric ``n``. A
missing value (None) makes the result missing unless it is filled, and so does a division by zero. Python's own grammar
reads it, so an id that is a Python keyword is not evaluated either.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import cache

type Values = Mapping[str, float | None]

SIGNS = re.compile(r"[\w\s.,()*/+-]+", re.ASCII)
OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def metrics_of(expression: str) -> frozenset[str] | None:
    """The ids that an expression asks for; None when it is not evaluated here."""
    tree = _parsed(expression)
    return None if tree is None else _ids(tree)


def evaluated(expression: str, values: Values) -> float | None:
    """The expression's value, None when it is missing; for expressions that :func:`metrics_of` knows."""
    tree = _parsed(expression)
    assert tree is not None, expression
    try:
        return _value(tree, values)
    except ArithmeticError:
        return None


@cache
def _parsed(expression: str) -> ast.expr | None:
    if not SIGNS.fullmatch(expression):
        return None
    try:
        tree = ast.parse(" ".join(expression.split()), mode="eval").body
    except SyntaxError:
        return None
    return None if _ids(tree) is None else tree


def _ids(part: ast.expr) -> frozenset[str] | None:
    """The ids in a part, None when anything in it is not on the list."""
    match part:
        case ast.Constant(value=number):
            return frozenset() if type(number) in (int, float) else None
        case ast.Name(id=name):
            return frozenset([name])
        case ast.UnaryOp(op=ast.USub(), operand=of) | ast.Call(func=ast.Name(id="ABS"), args=[of], keywords=[]):
            return _ids(of)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            return _joined(left, right)
        case ast.Call(func=ast.Name(id="FILL"), args=[of, instead], keywords=[]):
            return _joined(of, instead)
    return None


def _joined(one: ast.expr, other: ast.expr) -> frozenset[str] | None:
    left, right = _ids(one), _ids(other)
    return None if left is None or right is None else left | right


def _value(part: ast.expr, values: Values) -> float | None:
    match part:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(operand=of):
            return _with(operator.neg, _value(of, values))
        case ast.BinOp(left=left, op=sign, right=right):
            return _with(OPERATORS[type(sign)], _value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id="FILL"), args=[of, instead]):
            value = _value(of, values)
            return _value(instead, values) if value is None else value
        case ast.Call(args=[of]):
            return _with(abs, _value(of, values))
    raise AssertionError(ast.dump(part))


def _with(function: Callable[..., float], *values: float | None) -> float | None:
    return None if None in values else function(*values)
