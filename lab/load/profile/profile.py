"""A load profile: which networks, what traffic, which shape, judged by which criteria. Files are in `loadtests/`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from lab.errors import UsageError
from lab.evidence.names import recorded_path
from lab.load.profile.criteria import Criteria
from lab.load.profile.shapes import TPS_MAX, WEEK_MS, AtCeiling, Constant, Part, Shape, Soak
from lab.model.units import DurationMs, SizeBytes, duration_ms
from lab.networks import load_network, split_named
from lab.networks.profile import NetworkProfile
from lab.paths import LOADTESTS, expand_user, is_own
from lab.traffic.schedule import Segment
from lab.validation import suggestion
from lab.yamlsource import load_yaml, validate

SYNTHETIC = Path(__file__).with_name("networks")
CHAIN_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
PAYLOAD_BYTES_MAX = 512
MAX_ADVANCE = 2**40
# Signed ahead, each takes a third of a kilobyte on disk and a tenth of a millisecond.
ARRIVALS_MAX = 100_000_000
# Of one run, or one stretch of a long one. A node keeps some 10 KB for each: 4 GB.
TRANSACTIONS_MAX = 400_000
# The last digit of a sum of floats must not cost an arrival.
LEAST_ARRIVALS = 1 - 1e-6


class NetworkUse(Part):
    """A chain of the run. With a `gas_limit` of its own the network is synthetic: it shows the software, not itself."""

    profile: str | None = Field(default=None, description="default: the chain's name")
    gas_limit: int | None = Field(default=None, ge=1_000_000, le=MAX_ADVANCE, description="of a block, instead of its")
    weight: float = Field(default=1, gt=0, le=1000, description="its part of the rate")


class Traffic(Part):
    """One kind of arrival. `buffer` is one call; `flow` a call on each of two chains, which the relayer completes."""

    kind: Literal["buffer", "flow"]
    payload: SizeBytes = 64
    weight: float = Field(default=1, gt=0, le=1000, description="its part of the rate")

    @property
    def label(self) -> str:
        """How its transactions are called in statistics."""
        return f"{'buffer' if self.kind == 'buffer' else 'flow'} {self.payload} B"

    @model_validator(mode="after")
    def _payload_fits(self) -> Traffic:
        if self.payload > PAYLOAD_BYTES_MAX:
            raise ValueError(f"expected a payload of 0 to {PAYLOAD_BYTES_MAX} bytes, got {self.payload}")
        return self


class LoadProfile(Part):
    """The file. Rates count arrivals a second, summed over the networks."""

    name: str = Field(min_length=1, max_length=80)
    description: str = Field(min_length=1)
    networks: dict[Annotated[str, Field(pattern=f"^{CHAIN_NAME.pattern}$")], NetworkUse] = Field(min_length=1)
    traffic: tuple[Traffic, ...] = Field(min_length=1, max_length=16)
    shape: Shape
    operators: int | Literal["auto"] = Field(default="auto", description="accounts that send, on each chain")
    workers: int | Literal["auto"] = Field(default="auto", description="Locust processes that send")
    systems: Literal["one", "per-network"] = Field(default="one", description="what uptime is of: all of it, or each")
    window_ms: Annotated[DurationMs, Field(ge=5_000, le=300_000)] = Field(default=300_000, alias="window")
    drain_ms: Annotated[DurationMs, Field(ge=1_000)] = Field(default=120_000, alias="drain")
    relayer_poll_ms: Annotated[DurationMs, Field(ge=100)] = Field(default=1_000, alias="relayer_poll")
    criteria: Criteria = Field(default_factory=Criteria)
    seed: int = Field(default=1, ge=0)

    @model_validator(mode="after")
    def _coherent(self) -> LoadProfile:
        if any(traffic.kind == "flow" for traffic in self.traffic) and len(self.networks) < 2:
            raise ValueError(f"a flow needs two networks, got {len(self.networks)}: add one under `networks`")
        if self.has_flows and self.systems != "one":
            raise ValueError("systems: expected one, since flows lead from network to network")
        if isinstance(self.shape, Soak) and (unknown := sorted(set(self.shape.restart) - self.networks.keys())):
            raise ValueError(f"restart: expected names under `networks`, got {', '.join(unknown)}")
        for name, value in (("operators", self.operators), ("workers", self.workers)):
            if value != "auto" and not 1 <= value <= 4096:
                raise ValueError(f"{name}: expected auto or a number from 1 to 4096, got {value}")
        if not isinstance(self.shape, AtCeiling):
            self._check_arrivals(self.shape.segments())
        return self

    def _check_arrivals(self, segments: Sequence[Segment]) -> None:
        arrivals, seconds = sum(part.arrivals for part in segments), sum(part.seconds for part in segments)
        weights = [entry.weight for entry in self.traffic]
        share = min(weights) / sum(weights) * min(self._shares().values())
        if arrivals * share < LEAST_ARRIVALS:
            raise ValueError(
                "shape: expected at least one arrival for each kind of traffic on each network, got "
                f"{arrivals * share:.2g}: raise the rate or the duration"
            )
        if arrivals > ARRIVALS_MAX:
            raise ValueError(f"shape: expected at most {ARRIVALS_MAX:,} arrivals, got {arrivals:,.0f}")
        if seconds * 1000 > WEEK_MS:
            raise ValueError(f"shape: expected at most 7 days, got {seconds / 86_400:,.1f}")
        if not self.steady:
            self.require_one_run(arrivals)

    def entry_share(self, entry: Traffic) -> float:
        """The part of the rate that is of one kind."""
        return entry.weight / sum(traffic.weight for traffic in self.traffic)

    def chain_share(self, chain: str) -> float:
        """The part of the rate that one chain gets."""
        return self._shares()[chain]

    def _shares(self) -> dict[str, float]:
        total = sum(use.weight for use in self.networks.values())
        return {name: use.weight / total for name, use in self.networks.items()}

    @property
    def steady(self) -> bool:
        """Whether its rate stays the same, so that it can be divided into stretches."""
        return isinstance(self.shape, (Constant, Soak))

    @property
    def calls_each(self) -> float:
        """How many transactions an arrival sends: a flow one for each of its legs."""
        return sum(self.entry_share(entry) * (2 if entry.kind == "flow" else 1) for entry in self.traffic)

    def require_one_run(self, arrivals: float) -> None:
        """Raises ValueError for more than a run can keep, with the ways out."""
        if (transactions := arrivals * self.calls_each) > TRANSACTIONS_MAX:
            raise ValueError(
                f"shape: expected at most {TRANSACTIONS_MAX:,} transactions in one run, for nodes and ledger keep them "
                f"in memory; got {transactions:,.0f}: lower the rate or the duration, or run a soak, which `lab load` "
                "divides into stretches"
            )

    @property
    def has_flows(self) -> bool:
        """Whether a relayer has work."""
        return any(traffic.kind == "flow" for traffic in self.traffic)

    def resolved_networks(self) -> dict[str, NetworkProfile]:
        """The network profiles by chain name. Raises UsageError or InvalidFile for one that is unknown or wrong."""
        resolved: dict[str, NetworkProfile] = {}
        for name, use in self.networks.items():
            profile = network(use.profile or name)
            changed = {"gas_limit": use.gas_limit} if use.gas_limit else {}
            taken = {other.chain_id for other in resolved.values()}
            if profile.chain_id in taken:
                # A second chain of the same network: an id of its own, as a signature must hold on one chain only.
                changed["chain_id"] = max(taken) + 1
            resolved[name] = profile.model_copy(update=changed) if changed else profile
        return resolved

    def synthetic(self, name: str) -> bool:
        """Whether a chain is no real network's, or has another gas limit."""
        use = self.networks[name]
        return use.gas_limit is not None or (use.profile or name) in synthetic_names()


def synthetic_names() -> tuple[str, ...]:
    """The networks that exist for load runs only."""
    return tuple(sorted(path.stem for path in SYNTHETIC.glob("*.yaml")))


def network(name_or_path: str) -> NetworkProfile:
    """A network's profile; beside the built-in ones, the synthetic ones of load runs."""
    if name_or_path in synthetic_names():
        return load_network(str((SYNTHETIC / f"{name_or_path}.yaml").absolute()))
    return load_network(name_or_path)


def profile_names() -> tuple[str, ...]:
    """The profiles that come with the lab."""
    return tuple(sorted(path.stem for path in LOADTESTS.glob("*.yaml")))


def profile_file(name_or_path: str) -> Path | None:
    """The file of the user's that is meant; None for the name of a profile."""
    is_path = name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path
    return expand_user(name_or_path) if is_path else None


def recorded_profile(own: Path, root: Path) -> str | None:
    """A user's profile file as manifests name it, as seen from `root`; None for one that the lab brings."""
    return None if is_own(own) else recorded_path(own, root)


def load_profile(name_or_path: str) -> LoadProfile:
    """A profile by name, or a user's file. Raises UsageError for an unknown one, InvalidFile with all its problems."""
    own = profile_file(name_or_path)
    if own is not None:
        return validate(load_yaml(own), LoadProfile)
    if name_or_path not in profile_names():
        raise UsageError(
            f"expected a load profile, got '{name_or_path}'{suggestion(name_or_path, set(profile_names()))}: there are "
            f"{', '.join(profile_names())}; your own is given as the path of its .yaml file"
        )
    return validate(load_yaml(LOADTESTS / f"{name_or_path}.yaml"), LoadProfile)


def with_options(
    profile: LoadProfile,
    *,
    tps: float | None,
    duration_ms: int | None,
    networks: str | None,
    workers: int | None,
    operators: int | None,
) -> LoadProfile:
    """The profile with what the command line says instead. Raises UsageError that names the option."""
    if tps is not None and not 0 < tps <= TPS_MAX:
        raise UsageError(f"--tps: expected a rate above 0 and at most {TPS_MAX:,}, got {tps:g}")
    if duration_ms is not None and not 1_000 <= duration_ms <= WEEK_MS:
        raise UsageError(f"--duration: expected 1 s to 7 days, got {duration_ms / 1000:g} s")
    try:
        changed: dict[str, object] = {"shape": profile.shape.scaled(tps, duration_ms)}
    except ValidationError as error:
        raise UsageError("; ".join(_problem(one) for one in error.errors())) from None
    if networks is not None:
        changed["networks"] = dict(_chosen(text) for text in networks.split(",") if text.strip())
        if not changed["networks"]:
            raise UsageError(f"--networks: expected names with commas between them, got {networks!r}")
    changed |= {key: value for key, value in (("workers", workers), ("operators", operators)) if value is not None}
    return changed_profile(profile, **changed)


def option_duration_ms(text: str | None, option: str = "--duration") -> int | None:
    """`60` means seconds, as with Locust; `90s`, `10m`. Raises UsageError."""
    try:
        number_only = text is not None and text.replace(".", "", 1).isdigit()
        return None if text is None else duration_ms(f"{text}s" if number_only else text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option}: {error}") from None


def changed_profile(profile: LoadProfile, **changed: object) -> LoadProfile:
    """The profile with other values. Raises UsageError with all that does not fit together."""
    try:
        return profile.changed(**changed)
    except ValidationError as error:
        raise UsageError("; ".join(_problem(one) for one in error.errors())) from None


def _problem(problem: ErrorDetails) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"]).removeprefix("Value error, ")


def _chosen(text: str) -> tuple[str, NetworkUse]:
    """`base`, or `two=base` for a chain of another name."""
    name, requested = split_named(text.strip())
    profile = network(requested)
    return name or profile.name, NetworkUse(profile=requested)
