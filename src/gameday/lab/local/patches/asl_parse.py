"""State machines read once, and one at a time: upstream reads them anew for every execution, through shared state.

Its ``Preprocessor`` keeps its scopes in an attribute of the class. Two executions that begin at once take each other's
scopes; one of them dies of a ``ValueError`` in its thread and stays RUNNING for good (seen in CI, and under load on
2026-11-28). And reading the failover again takes 0.15 s of an outage (2026-11-28; 2 cores, CPython 3.12).
"""

import functools
import threading
from typing import Any

from gameday.lab.local.patches.seam import demand, swap

_reading = threading.Lock()  # the parser's instances share caches too, without a lock of their own


def install() -> None:
    """Put the patches in; raises UpstreamMoved."""
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser as Parser
    from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

    def own_scopes(self: Any) -> None:
        self._query_language_per_scope = []

    @functools.lru_cache(maxsize=64)
    def tree_of(definition: str) -> Any:
        return original(definition)[1]

    def parse(definition: str) -> tuple[Any, Any]:
        """A program of the caller's own, from a tree that nobody changes."""
        with _reading:
            tree = tree_of(definition)
            return Preprocessor().visit(tree), tree

    demand(isinstance(vars(Preprocessor).get("_query_language_per_scope"), list), "scopes in Preprocessor", "none")
    demand("__init__" not in vars(Preprocessor), "a Preprocessor without __init__", "one of its own")
    Preprocessor.__init__ = own_scopes
    original = swap(Parser, "parse", staticmethod(parse), expects="definition")
