# pragma version 0.4.3
"""
@title Storage of cross-rollup transactions
@license MIT
@author Tesseract Lab
@notice Keeps buffered transactions in as few storage slots as their content needs. Knows no rules and no roles.
@dev A new slot costs 22,100 gas, so a transaction takes
       one slot for the header, from the lowest bit: 160 origin, 64 timestamp, 8 state, 16 payload length,
       8 "has a dependency",
       one slot for the target,
       one slot for the dependency, only when there is one,
       one slot for each 32-byte word of the payload that is not zero (an unset word reads as zero anyway).
     An id is written once and never freed, so no word of an older payload can shine through.
     The header of a known transaction is never zero, because its state is not.
"""


_TIMESTAMP_MAX: constant(uint256) = 2**64 - 1

_MASK_8: constant(uint256) = 2**8 - 1
_MASK_16: constant(uint256) = 2**16 - 1
_MASK_160: constant(uint256) = 2**160 - 1
_STATE_SHIFT: constant(uint256) = 224
_STATE_FIELD: constant(uint256) = (2**8 - 1) * 2**224


# EMPTY is what an unknown id reads as. It is never stored: members are 1, 2, 4, 8, 16, and fresh storage is 0.
flag State:
    EMPTY
    BUFFERED
    READY
    EXECUTED
    EXPIRED


struct CrossRollupTransaction:
    origin_rollup: address
    target_rollup: address
    payload: Bytes[512]
    dependency_tx_id: bytes32
    timestamp: uint256
    state: State


_headers: HashMap[bytes32, uint256]
_targets: HashMap[bytes32, address]
_dependencies: HashMap[bytes32, bytes32]
_payload_words: HashMap[bytes32, HashMap[uint256, bytes32]]


@internal
def _write(
    tx_id: bytes32,
    origin_rollup: address,
    target_rollup: address,
    payload: Bytes[512],
    dependency_tx_id: bytes32,
    timestamp: uint256,
):
    """
    @notice Stores a new transaction as BUFFERED. The caller has checked that the id is unknown.
    @dev Refuses a timestamp that does not fit its field instead of cutting it. Reverts: "Timestamp too far".
    @param tx_id The transaction's identifier.
    @param origin_rollup The address that stands for the rollup it comes from.
    @param target_rollup The address that stands for the rollup it goes to.
    @param payload Up to 512 bytes, stored exactly as given.
    @param dependency_tx_id The transaction it depends on, or zero.
    @param timestamp Unix seconds, at most 2**64 - 1.
    """
    assert timestamp <= _TIMESTAMP_MAX, "Timestamp too far"
    length: uint256 = len(payload)
    has_dependency: bool = dependency_tx_id != empty(bytes32)
    self._headers[tx_id] = (
        convert(origin_rollup, uint256)
        | (timestamp << 160)
        | (convert(State.BUFFERED, uint256) << _STATE_SHIFT)
        | (length << 232)
        | (convert(has_dependency, uint256) << 248)
    )
    self._targets[tx_id] = target_rollup
    if has_dependency:
        self._dependencies[tx_id] = dependency_tx_id
    # One word of zeros behind the payload lets the last, partial word be read like the others.
    padded: Bytes[544] = concat(payload, empty(bytes32))
    for index: uint256 in range((length + 31) // 32, bound=16):
        word: bytes32 = extract32(padded, index * 32)
        if word != empty(bytes32):
            self._payload_words[tx_id][index] = word


@internal
def _set_state(tx_id: bytes32, header: uint256, state: State):
    """
    @notice Moves a known transaction to another state.
    @param tx_id The transaction.
    @param header Its header as read in this call, which saves a second read.
    @param state The new state.
    """
    self._headers[tx_id] = (header & ~_STATE_FIELD) | (convert(state, uint256) << _STATE_SHIFT)


@internal
@view
def _header(tx_id: bytes32) -> uint256:
    """
    @notice The packed header of a transaction, to be taken apart with `_state_of` and `_timestamp_of`.
    @param tx_id The transaction.
    @return The header; 0 for an unknown id.
    """
    return self._headers[tx_id]


@internal
@view
def _state_of(header: uint256) -> State:
    """
    @notice The state in a header.
    @dev Reads no storage, but compiler 0.4.3 takes a flag's name inside a pure function of a module for an unknown one.
    @param header The header of a transaction.
    @return The state; EMPTY for the header of an unknown id.
    """
    if header == 0:
        return State.EMPTY
    return convert((header >> _STATE_SHIFT) & _MASK_8, State)


@internal
@pure
def _timestamp_of(header: uint256) -> uint256:
    """
    @notice The timestamp in a header.
    @param header The header of a transaction.
    @return Unix seconds, at most 2**64 - 1: adding windows to it cannot overflow.
    """
    return (header >> 160) & _TIMESTAMP_MAX


@internal
@view
def _dependency_of(tx_id: bytes32, header: uint256) -> bytes32:
    """
    @notice The dependency of a transaction, without a storage read when there is none.
    @param tx_id The transaction.
    @param header Its header as read in this call.
    @return The id it depends on, or zero.
    """
    if (header >> 248) == 0:
        return empty(bytes32)
    return self._dependencies[tx_id]


@internal
@view
def _read(tx_id: bytes32) -> CrossRollupTransaction:
    """
    @notice A whole transaction, payload included.
    @param tx_id The transaction.
    @return The transaction; every field empty and the state EMPTY for an unknown id.
    """
    header: uint256 = self._headers[tx_id]
    length: uint256 = (header >> 232) & _MASK_16
    words: bytes32[16] = empty(bytes32[16])
    for index: uint256 in range((length + 31) // 32, bound=16):
        words[index] = self._payload_words[tx_id][index]
    return CrossRollupTransaction(
        origin_rollup=convert(header & _MASK_160, address),
        target_rollup=self._targets[tx_id],
        payload=slice(abi_encode(words), 0, length),
        dependency_tx_id=self._dependency_of(tx_id, header),
        timestamp=self._timestamp_of(header),
        state=self._state_of(header),
    )
