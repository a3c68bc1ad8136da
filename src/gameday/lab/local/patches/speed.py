"""moto's dispatcher, without looking up the same things at every call: 4 of the 11 ms of a call (measured 2026-11)."""

import functools
import os

from gameday.lab.local.patches.seam import demand, rebind, swap


def install() -> None:
    """Put the patches in; raises UpstreamMoved."""
    from moto import backends, settings
    from moto.core import responses, utils

    modules = tuple(backends.list_of_moto_modules())
    demand("ec2" in modules, "a list of moto's modules", repr(modules[:3]))
    swap(backends, "list_of_moto_modules", lambda: modules, expects="")

    by_inspection = utils.method_names_from_class
    cached = functools.cache(lambda clazz: frozenset(by_inspection(clazz)))
    demand("call_action" in cached(responses.BaseResponse), "a class's method names", "others")
    rebind("moto.core", by_inspection, cached, at_least=2)

    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # 1,300 machine images a region, 0.2 s: no lab starts one
    demand(settings.ec2_load_default_amis() is False, "a switch for its machine images", "they are loaded")
