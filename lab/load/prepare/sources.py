"""Where the chains of a load run come from: nodes of its own, nodes that somebody runs, or a running `lab up`."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from lab.bounded_files import first_fault, read_object
from lab.coordinator import Account, Codec, created_address, role_account, rollup_address, sign_transaction
from lab.deploy.deployer import DEPLOY_GAS, Deployable
from lab.errors import UsageError
from lab.load.prepare.targets import Target, owner_account, wait_mined
from lab.load.profile.profile import CHAIN_NAME, LoadProfile, network, synthetic_names
from lab.model.keystore import require_private
from lab.model.redacted import RedactedUrl
from lab.model.session import GUESTS, Session
from lab.model.under_test import UnderTest
from lab.networks.profile import NetworkProfile
from lab.rpc import RpcFailure
from lab.rpc.endpoint import Endpoint
from lab.session.description import KEYS, RunningNetworks
from lab.session.keys import write_keys
from lab.session.load_chains.interval import (
    RICH_WEI,
    IntervalChain,
    open_interval_chains,
    session_of,
    set_up,
)
from lab.session.project import Project
from lab.session.project_search import find_project, same_file, shown
from lab.session.suite import Suite


@dataclass(frozen=True, slots=True)
class LoadEnvironment:
    """Chains ready to be sent to, and who owns their contract. `session` describes them for a relayer, if written."""

    chains: dict[str, IntervalChain]
    targets: dict[str, Target]
    owner: Account
    session: Path | None
    under_test: UnderTest | None = None


@contextmanager
def own_nodes(
    profile: LoadProfile, networks: Mapping[str, NetworkProfile], suite: Suite, folder: Path
) -> Iterator[LoadEnvironment]:
    """Fresh nodes with a block each block time and the contract on them; gone at the end."""
    now = int(time.time())
    with open_interval_chains(networks, suite.backend, run_id=suite.run_id, folder=folder, genesis_time=now) as chains:
        numbering = None
        for chain in chains.values():
            numbering = set_up(chain, suite.target, window_s=profile.window_ms // 1000)
        assert numbering is not None
        write_keys(folder / KEYS, GUESTS)
        networks_of_run = RunningNetworks(suite.run_id, suite.backend.name, "real", now, folder)
        session = session_of(
            chains, suite.target, numbering, networks_of_run, system=suite.system, poll_ms=profile.relayer_poll_ms
        )
        path = folder / "session.json"
        session.write(path)
        targets = {
            name: _target(chain, suite.target.codec, chain.profile.gas_limit, profile.synthetic(name), own_node=True)
            for name, chain in chains.items()
        }
        yield LoadEnvironment(chains, targets, owner_account(), path)


def running_nodes(profile: LoadProfile, urls: Mapping[str, RedactedUrl], target: Deployable) -> LoadEnvironment:
    """Nodes at given URLs by network. The lab's owner account puts the contract there, if it is not yet.

    Raises UsageError for one that does not answer.
    """
    chains = {name: _connect(name, url) for name, url in urls.items()}
    targets = {}
    for name, chain in chains.items():
        gas_limit = _head_gas_limit(chain)
        made = _target(chain, target.codec, gas_limit, gas_limit != network(name).gas_limit, own_node=False)
        _put_contract(made, chain, target, profile.window_ms // 1000)
        targets[name] = made
    return LoadEnvironment(chains, targets, owner_account(), None)


def running_session(path: Path, beside: Sequence[Path] = ()) -> LoadEnvironment:
    """The networks of a running `lab up`. Raises UsageError that says how to start them.

    They were started for a project, or for none; the working folder and what is in `beside` must not speak of another.
    """
    try:
        session = Session.read(path)
    except OSError as error:
        raise UsageError(
            f"{path}: expected the session of running networks, cannot read it: {error}. Start some with `lab up`, or "
            "name another session file in LAB_SESSION."
        ) from error
    except ValidationError as error:
        raise UsageError(f"{path}: expected a session.json of this version: {first_fault(error)}") from error
    if session.speed != 1:
        raise UsageError(
            f"{path}: expected networks on the wall's own time, these run at --speed {session.speed:g}: load is sent "
            "and measured by the wall. Start others with `lab up`, without --speed"
        )
    _same_project(session, path, find_project(Path.cwd(), beside))
    codec = Codec.of(session)
    chains, targets = {}, {}
    for name, said in session.chains.items():
        profile = network(said.network).model_copy(update={"chain_id": said.chain_id})
        chain = IntervalChain.connect(name, profile, said.rpc_url)
        chain.finality, chain.contract, chain.start_block = said.finality, said.contract, said.start_block
        chains[name] = chain
        gas_limit = _head_gas_limit(chain)
        synthetic = gas_limit != profile.gas_limit or said.network in synthetic_names()
        targets[name] = _target(chain, codec, gas_limit, synthetic, own_node=False)
    return LoadEnvironment(chains, targets, _owner_of(session), path, session.under_test)


def _same_project(session: Session, path: Path, here: Project | None) -> None:
    if here is None or (session.project is not None and same_file(Path(session.project), here.path)):
        return
    theirs = f"the project {shown(Path(session.project))}" if session.project is not None else "no project"
    raise UsageError(
        f"expected the networks of {path} to run {shown(here.path)}, they were started for {theirs}. Start them here "
        "with `lab up`, or work in the folder that they were started in"
    )


def parse_urls(urls: Sequence[str], *, allow_remote: bool) -> dict[str, RedactedUrl]:
    """Name -> URL. Raises UsageError for a malformed one, one without a name, or one that leads to another machine."""
    nodes: dict[str, RedactedUrl] = {}
    for text in urls:
        name, _, url = text.partition("=")
        if not CHAIN_NAME.fullmatch(name):
            # The whole of it may be a URL with a key in it.
            raise UsageError(f"--url: expected NETWORK=http://HOST:PORT, got {RedactedUrl(text)} without a network")
        try:
            endpoint = Endpoint.of(url)
        except ValueError as error:
            raise UsageError(f"--url {name}=: {error}") from None
        if not allow_remote and not is_loopback(endpoint.host):
            raise UsageError(
                f"--url: {endpoint.host} is not this machine. Load on somebody else's node is an attack unless they "
                "agreed to it: add --allow-remote if they did."
            )
        if name in nodes:
            raise UsageError(f"--url: expected each network once, got {name} twice")
        network(name)
        nodes[name] = endpoint.url
    return nodes


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine. A name that would have to be looked up does not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connect(name: str, url: RedactedUrl) -> IntervalChain:
    chain = IntervalChain.connect(name, network(name), url)
    try:
        chain.profile = chain.profile.model_copy(update={"chain_id": chain.rpc.chain_id()})
    except RpcFailure as failure:
        raise UsageError(f"--url: expected a node at {url}, it does not answer: {failure}") from failure
    return chain


def _put_contract(made: Target, chain: IntervalChain, target: Deployable, window_s: int) -> None:
    """At the address of the owner's first transaction if it is there, else deployed anew."""
    if chain.rpc.call("eth_getCode", target.address, "latest") not in ("0x", None):
        chain.contract = made.contract = target.address
        return
    owner = role_account("owner")
    if chain.rpc.balance(owner.address) == 0:
        _enrich(made, owner.address)
    nonce = chain.rpc.nonce(owner.address)
    fees = made.fees(16)
    chain.contract = made.contract = created_address(owner.address, nonce)
    calls: list[tuple[str | None, str, int]] = [(None, target.contract.bytecode, DEPLOY_GAS)]
    if target.codec.has("set_coordination_window"):
        calls.append((made.contract, target.codec.encode("set_coordination_window", [window_s]), 200_000))
    for offset, (to, data, gas) in enumerate(calls):
        raw, tx_hash = sign_transaction(
            owner, chain_id=made.chain_id, nonce=nonce + offset, to=to, data=data, gas=gas, fees=fees
        )
        chain.rpc.send_raw(raw)
        if wait_mined(made, tx_hash)["status"] != "0x1":
            raise UsageError(f"{made.name}: the contract could not be deployed or set up by {owner.address}")


def _enrich(made: Target, address: str) -> None:
    try:
        made.rpc.call("anvil_setBalance", address, hex(RICH_WEI))
    except RpcFailure as failure:
        raise UsageError(
            f"{made.name}: expected funds on {address}, the lab's owner account, to deploy the contract; it has none, "
            f"and the node refuses anvil_setBalance: {failure}"
        ) from failure


def _head_gas_limit(chain: IntervalChain) -> int:
    block = chain.rpc.block("latest")
    return int(block["gasLimit"], 16) if block else chain.profile.gas_limit


def _target(chain: IntervalChain, codec: Codec, gas_limit: int, synthetic: bool, *, own_node: bool) -> Target:
    return Target(
        chain.name,
        chain.profile.name,
        chain.profile.chain_id,
        chain.url,
        chain.rpc,
        chain.contract,
        codec,
        rollup_address(chain.name),
        chain.profile.block_time_ms,
        gas_limit,
        chain.profile.min_tip_wei,
        synthetic,
        own_node,
    )


def _owner_of(session: Session) -> Account:
    path = Path(session.key_file)
    require_private(path)
    try:
        key = read_object(path)["owner"]
        return owner_account(bytes.fromhex(key.removeprefix("0x")), session.accounts["owner"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{path}: expected a JSON object with a private key for the role 'owner'") from None
