"""`deployment.yaml`: which networks a contract goes to, by which endpoints, signed by whom, and what it shall be there.

The file holds no secret: endpoints and keys of explorers are names of environment variables, the deployer's key is
where its signer has it. What the variables hold is looked up by `lab.live.declaration.variables`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from lab.errors import InvalidFile, Problem, UsageError
from lab.live.declaration.fields import Command, Url, Variable, distinct
from lab.live.declaration.owner import Address, HasOwner, Owner, SafeOwner, address_of_owner, safe_of_owner
from lab.model.chain.finality import Finality
from lab.model.chain.genesis import genesis_hash
from lab.model.frozen import Frozen
from lab.networks import load_network
from lab.networks.profile import NetworkProfile
from lab.paths import expand_user, real_path
from lab.yamlsource import Source, load_yaml, validate

NETWORKS_MAX, ENDPOINTS_MAX, OPERATORS_MAX = 40, 8, 50


def _one_or_each(given: Any) -> str:
    return "each" if isinstance(given, dict) else "one"


Operators = Annotated[
    tuple[Address, ...], Field(min_length=1, max_length=OPERATORS_MAX), AfterValidator(distinct("operator"))
]
Gwei = Annotated[float, Field(gt=0, le=1_000_000)]


class KeystoreSigner(Frozen):
    """An encrypted key file (version 3). The password is asked for, or stands in a file that only its owner reads.

    Of a file that does not say its address, as Foundry's do not, `address` lets commands that sign nothing do without.
    """

    keystore: str
    password_file: str | None = None
    address: Address | None = None


class RemoteSigner(Frozen):
    """A JSON-RPC signer, as web3signer and clef are: the key never leaves it.

    One process of either signs for one chain, so each network may have a variable of its own. Methods that are not
    given are tried: a signer that knows none of a name says so.
    """

    remote: Annotated[
        Annotated[Variable, Tag("one")] | Annotated[dict[str, Variable], Field(min_length=1), Tag("each")],
        Discriminator(_one_or_each),
    ] = Field(description="env:NAME of its URL, or network: env:NAME for each")
    address: Address
    method: Literal["eth_signTransaction", "account_signTransaction"] | None = None
    typed_data_method: Literal["eth_signTypedData_v4", "eth_signTypedData", "account_signTypedData"] | None = None

    def variable(self, network: str) -> str | None:
        """The name of the variable for a network; None where there is none."""
        given = self.remote if isinstance(self.remote, str) else self.remote.get(network)
        return None if given is None else given.removeprefix("env:")


class CommandSigner(Frozen):
    """A command that gets the transaction as JSON on stdin and prints it signed: `cast mktx --ledger` and the like."""

    exec: Command = Field(min_length=1, max_length=2_000)
    address: Address
    timeout_s: float = Field(default=120, gt=0, le=3_600)


def _kind_of_signer(given: Any) -> str:
    there = set(given) if isinstance(given, dict) else set(getattr(type(given), "model_fields", ()))
    return next((kind for kind in ("remote", "exec") if kind in there), "keystore")


Deployer = Annotated[
    Annotated[KeystoreSigner, Tag("keystore")]
    | Annotated[RemoteSigner, Tag("remote")]
    | Annotated[CommandSigner, Tag("exec")],
    Discriminator(_kind_of_signer),
]


class Explorer(Frozen):
    """One place to verify the source at. `url` is its API's address where that is not the usual one."""

    kind: Literal["sourcify", "etherscan", "blockscout"]
    url: Url | None = None
    key: Variable | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "blockscout" and self.url is None:
            raise ValueError("expected the url of the Blockscout instance (https://...), each network has its own")
        if self.kind == "etherscan" and self.key is None:
            raise ValueError("expected key: env:NAME, Etherscan answers none without one")
        return self


class Settings(Frozen):
    """What the contract shall be set to."""

    coordination_window: int = Field(default=30, ge=5, le=300, description="seconds")


class Services(Frozen):
    """What stands around a deployment, for `lab live status` to ask."""

    exporter: Url | None = Field(default=None, description="metrics of `lab monitor exporter`")
    documents: tuple[Url, ...] = Field(default=(), max_length=20, description="pages that name the contracts")


class LiveNetwork(HasOwner):
    """One network. Its figures (chain id, finality, fees) are those of a profile: built in, or a file of yours."""

    rpc: Annotated[
        tuple[Variable, ...], Field(min_length=1, max_length=ENDPOINTS_MAX), AfterValidator(distinct("endpoint"))
    ]
    network: str | None = Field(default=None, description="profile; default: the name of this entry")
    explorers: Annotated[tuple[Explorer, ...], AfterValidator(distinct("explorer"))] = (Explorer(kind="sourcify"),)
    max_fee_gwei: Gwei | None = Field(default=None, description="no transaction offers more for a unit of gas")
    finality: Finality | None = Field(default=None, description="when a block is final; default: the profile's")
    genesis: str | None = Field(
        default=None, pattern=r"^0x[0-9a-f]{64}$", description="hash of block 0, for a network of your own profile"
    )
    owner: Owner | None = Field(default=None, description="where it differs from the file's")
    operators: Operators | None = Field(default=None, description="where they differ from the file's")


class DeploymentFile(HasOwner):
    """The file as it is written."""

    version: Literal[1]
    contract: str | None = Field(default=None, min_length=1, description="as seen from this file; default: lab.yaml's")
    deployer: Deployer
    operator: Deployer | None = Field(
        default=None, description="signer of an operator, for the smoke run; default: the deployer, if it is one"
    )
    administrator: Deployer | None = Field(
        default=None, description="signer of the owner's account, for `lab ops`; default: the deployer"
    )
    owner: Owner = Field(description="who shall own every contract in the end: an address, or a Safe")
    operators: Operators
    settings: Settings = Settings()
    services: Services = Services()
    margin: float = Field(default=1.5, ge=1, le=100, description="times the estimated cost that must be there")
    same_address: bool = Field(default=True, description="the contract has one address on all networks")
    price_age_days_max: int = Field(default=365, ge=1, le=3650, description="older prices in dollars are refused")
    networks: dict[str, LiveNetwork] = Field(min_length=1, max_length=NETWORKS_MAX)

    @field_validator("networks")
    @classmethod
    def _names(cls, given: dict[str, Any]) -> dict[str, Any]:
        for name in given:
            if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
                text = f"expected a name of small letters, digits and dashes, got {name[:60]!r}"
                raise PydanticCustomError("deployment", "{text}", {"text": text, "at": (name,), "at_key": True})
        return given


class Target(Frozen):
    """One network with its choices made."""

    name: str
    profile: NetworkProfile
    variables: tuple[str, ...]
    explorers: tuple[Explorer, ...]
    max_fee_gwei: float | None
    finality: Finality
    genesis: str | None
    owner: str
    operators: tuple[str, ...]
    safe: SafeOwner | None = None

    @property
    def max_fee_wei(self) -> int | None:
        """The limit of what a unit of gas may cost."""
        return None if self.max_fee_gwei is None else int(self.max_fee_gwei * 10**9)


class Deployment:
    """A deployment file with its networks looked up; `path` is the file, `digest` of what it decides."""

    def __init__(self, source: Source, file: DeploymentFile, targets: tuple[Target, ...]) -> None:
        self.path, self.source, self.file, self.targets = source.file, source, file, targets

    def select(self, only: tuple[str, ...]) -> tuple[Target, ...]:
        """The targets of these names, all for none. Raises UsageError for a name that the file has not."""
        known = {target.name for target in self.targets}
        for name in only:
            if name not in known:
                raise UsageError(f"{self.path}: expected one of {', '.join(sorted(known))}, got {name!r}")
        return tuple(target for target in self.targets if not only or target.name in only)

    @property
    def chains(self) -> dict[str, int]:
        """The chain id of each network."""
        return {target.name: target.profile.chain_id for target in self.targets}

    @property
    def contract(self) -> Path | None:
        """The contract that the file names, absolute."""
        given = self.file.contract
        return None if given is None else real_path(self.path.parent / expand_user(given))


def _signers_without(source: Source, file: DeploymentFile) -> list[Problem]:
    """Networks that a signer of one chain each leaves out, and those that it names and the file does not have."""
    problems = list[Problem]()
    for role, signer in (
        ("deployer", file.deployer),
        ("operator", file.operator),
        ("administrator", file.administrator),
    ):
        if isinstance(signer, RemoteSigner) and isinstance(signer.remote, dict):
            if absent := [name for name in file.networks if name not in signer.remote]:
                text = f"expected env:NAME for each network of the file, there is none for {', '.join(absent)}"
                problems.append(source.problem((role, "remote"), text))
            problems += [
                source.problem((role, "remote", name), f"expected a network of the file, got {name!r}", at_key=True)
                for name in signer.remote
                if name not in file.networks
            ]
    return problems


def read_deployment(path: Path) -> Deployment:
    """Raises UsageError where there is none, InvalidFile with every problem that could be found."""
    if not path.exists():
        raise UsageError(f"{path}: expected a deployment file, there is no such file: `lab live init` writes one")
    source = load_yaml(path)
    if isinstance(source.value, dict) and {"run_id", "chains"} <= source.value.keys():
        raise UsageError(
            f"{path}: expected a deployment file, got a session.json: `lab ops` takes one, and with --executor safe "
            "proposes to a Safe and carries out; other commands need the deployment.yaml"
        )
    file = validate(source, DeploymentFile)
    targets, problems = list[Target](), list[Problem]()
    taken: dict[int, str] = {}
    for name, network in file.networks.items():
        try:
            profile = load_network(network.network or name, base=path.parent)
        except InvalidFile as error:
            problems.extend(error.problems)
            continue
        except UsageError as error:
            at = ("networks", name, "network") if network.network else ("networks", name)
            problems.append(source.problem(at, str(error), at_key=network.network is None))
            continue
        if profile.chain_id in taken:
            text = f"chain {profile.chain_id} is also that of {taken[profile.chain_id]}: a chain gets one contract"
            problems.append(source.problem(("networks", name), text, at_key=True))
        taken[profile.chain_id] = name
        owner = network.owner or file.owner
        targets.append(
            Target(
                name=name,
                profile=profile,
                variables=tuple(text.removeprefix("env:") for text in network.rpc),
                explorers=network.explorers,
                max_fee_gwei=network.max_fee_gwei,
                finality=network.finality or profile.finality,
                genesis=network.genesis or genesis_hash(profile.name),
                owner=address_of_owner(owner),
                operators=network.operators or file.operators,
                safe=safe_of_owner(owner),
            )
        )
    problems += _signers_without(source, file)
    if problems:
        raise InvalidFile(problems)
    return Deployment(source, file, tuple(targets))
