"""Writes lab/safe/deployments.json from the published list: `python -m tests.safe_deployments [VERSION]`.

The list is npm's @safe-global/safe-deployments, which the makers of Safe keep; npm itself checks what it fetches.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from lab.safe.published import DEPLOYMENTS

PACKAGE, VERSION = "@safe-global/safe-deployments", "1.37.63"
VERSIONS = ("1.3.0", "1.4.1", "1.5.0")
CONTRACTS = {
    "Safe": ("safe", "gnosis_safe"),
    "SafeL2": ("safe_l2", "gnosis_safe_l2"),
    "SafeProxyFactory": ("safe_proxy_factory", "proxy_factory"),
    "MultiSendCallOnly": ("multi_send_call_only",),
    "CompatibilityFallbackHandler": ("compatibility_fallback_handler",),
}


def fetched(version: str, folder: Path) -> dict[str, Any]:
    """The package's assets: path below its folder of assets -> document."""
    subprocess.run(["npm", "pack", f"{PACKAGE}@{version}"], cwd=folder, check=True, capture_output=True)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as package:
        names = [name for name in package.getnames() if "/dist/assets/" in name and name.endswith(".json")]
        return {name.partition("/dist/assets/")[2]: json.load(package.extractfile(name)) for name in names}  # type: ignore[arg-type]


def addresses(document: dict[str, Any]) -> dict[str, Any]:
    """Address -> hash of its code, and the chains that it is on."""
    chains: dict[str, list[int]] = {}
    for chain, kinds in document["networkAddresses"].items():
        for kind in [kinds] if isinstance(kinds, str) else kinds:
            chains.setdefault(kind, []).append(int(chain))
    return {
        given["address"].lower(): {"code_keccak": given["codeHash"], "chains": sorted(chains.get(kind, []))}
        for kind, given in document["deployments"].items()
    }


def main() -> None:
    """Write the file."""
    version = sys.argv[1] if len(sys.argv) > 1 else VERSION
    with tempfile.TemporaryDirectory() as folder:
        assets = fetched(version, Path(folder))
    versions = {
        safe: {
            name: addresses(next(assets[path] for file in files if (path := f"v{safe}/{file}.json") in assets))
            for name, files in CONTRACTS.items()
        }
        for safe in VERSIONS
    }
    document = {
        "source": f"npm {PACKAGE}",
        "version": version,
        "license": "MIT",
        "written_by": "python -m tests.safe_deployments",
        "versions": versions,
    }
    lines = json.dumps(document, indent=1)
    # A list of chains stands on one line.
    DEPLOYMENTS.write_text(json.dumps(json.loads(lines), separators=(",", ":")).replace('},"', '},\n"') + "\n")


if __name__ == "__main__":
    main()
