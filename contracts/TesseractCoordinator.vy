# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Tesseract Coordinator
@license MIT
@author Tesseract Lab
@notice Coordinates transactions across rollups: an operator buffers a transaction, it becomes ready once its
        timestamp is reached and its dependency is ready or executed, and is then marked as executed. What misses its
        window expires.
@dev The documented Tesseract interface, plus emergency stop with circuit breaker (`controls.vy`), two-step ownership
     (`ownership.vy`), EXPIRED as an end state, a deadline for execution, and batches. Storage is packed in
     `transaction_store.vy` behind getters of the documented shapes.
     States: BUFFERED -> READY -> EXECUTED, BUFFERED -> EXPIRED, READY -> EXPIRED. There is no way back.
     Makes no external calls, so nothing can re-enter. Roles are judged by `msg.sender` alone.
     Every operator function reverts with "Not authorized" first, then with "Coordinator is paused".
"""

from interfaces import ITesseractCoordinator

import controls
import ownership
import transaction_store

implements: ITesseractCoordinator

initializes: ownership
initializes: controls[ownership := ownership]
initializes: transaction_store

exports: (
    ownership.owner,
    ownership.pending_owner,
    ownership.propose_owner,
    ownership.accept_ownership,
    controls.pause,
    controls.unpause,
    controls.paused,
    controls.set_breaker_threshold,
    controls.breaker_threshold,
    controls.failure_count,
    controls.set_coordination_window,
    controls.coordination_window,
    controls.set_execution_window,
    controls.execution_window,
    controls.transaction_count,
)


_BUFFER_BATCH_MAX: constant(uint256) = 32
_ID_BATCH_MAX: constant(uint256) = 64


struct BufferRequest:
    tx_id: bytes32
    origin_rollup: address
    target_rollup: address
    payload: Bytes[512]
    dependency_tx_id: bytes32
    timestamp: uint256


# @notice Accounts that may buffer, resolve, execute, expire and fail transactions.
authorized_operators: public(HashMap[address, bool])


event OperatorAdded:
    operator: indexed(address)


event OperatorRemoved:
    operator: indexed(address)


@deploy
def __init__():
    """
    @notice Makes the deployer the owner and the first operator.
    """
    ownership.__init__()
    controls.__init__()
    self.authorized_operators[msg.sender] = True
    log OperatorAdded(operator=msg.sender)


@external
def add_operator(operator: address):
    """
    @notice Allows an account to call the operator functions. Adding it twice changes nothing.
    @dev Works while paused. Reverts: "Only owner can add operators".
    @param operator The account.
    """
    assert msg.sender == ownership.owner, "Only owner can add operators"
    self.authorized_operators[operator] = True
    log OperatorAdded(operator=operator)


@external
def remove_operator(operator: address):
    """
    @notice Takes the operator role away, at once. The owner is an operator only by being on this list.
    @dev Works while paused. Reverts: "Only owner can remove operators".
    @param operator The account.
    """
    assert msg.sender == ownership.owner, "Only owner can remove operators"
    self.authorized_operators[operator] = False
    log OperatorRemoved(operator=operator)


@external
def buffer_transaction(
    tx_id: bytes32,
    origin_rollup: address,
    target_rollup: address,
    payload: Bytes[512],
    dependency_tx_id: bytes32,
    timestamp: uint256,
):
    """
    @notice Buffers a transaction. Its dependency need not be known yet.
    @dev Reverts, in this order: "Not authorized", "Coordinator is paused", "Invalid transaction ID",
         "Invalid origin rollup", "Invalid target rollup", "Origin and target must be different",
         "Timestamp cannot be in the past", "Transaction already exists", and "Timestamp too far" for a timestamp
         above 2**64 - 1, which does not fit its storage field and is refused rather than cut.
         A payload of more than 512 bytes is refused by the decoder, without a reason.
    @param tx_id The transaction's identifier, not zero.
    @param origin_rollup The address that stands for the rollup it comes from.
    @param target_rollup The address that stands for the rollup it goes to.
    @param payload Up to 512 bytes, stored exactly as given.
    @param dependency_tx_id The transaction that must be ready or executed first, or zero.
    @param timestamp Unix seconds from which it may become ready; not before this block's.
    """
    self._require_operator()
    settings: controls.Settings = controls._require_not_paused()
    self._buffer(tx_id, origin_rollup, target_rollup, payload, dependency_tx_id, timestamp)
    settings.transaction_count += 1
    controls._store(settings)


@external
def buffer_batch(requests: DynArray[BufferRequest, _BUFFER_BATCH_MAX]):
    """
    @notice Buffers up to 32 transactions, all or none.
    @dev Reverts as `buffer_transaction` does for the first request that it would refuse.
    @param requests The transactions, fields as the parameters of `buffer_transaction`.
    """
    self._require_operator()
    settings: controls.Settings = controls._require_not_paused()
    for request: BufferRequest in requests:
        self._buffer(
            request.tx_id,
            request.origin_rollup,
            request.target_rollup,
            request.payload,
            request.dependency_tx_id,
            request.timestamp,
        )
    settings.transaction_count += len(requests)
    controls._store(settings)


@external
def resolve_dependency(tx_id: bytes32):
    """
    @notice Makes a buffered transaction ready if its time has come and its dependency is ready or executed.
    @dev Succeeds in three ways that only the event tells apart: TransactionReady; TransactionFailed with "Transaction
         expired" when the window is over (the state becomes EXPIRED, and the breaker counts it); TransactionFailed with
         "Dependencies not satisfied" when it came too early (nothing changes, nothing is counted).
         Reverts: "Not authorized", "Coordinator is paused", "Transaction not in buffered state".
    @param tx_id The transaction.
    """
    self._require_operator()
    settings: controls.Settings = controls._require_not_paused()
    self._resolve(tx_id, settings.coordination_window)


@external
def resolve_batch(tx_ids: DynArray[bytes32, _ID_BATCH_MAX]):
    """
    @notice Resolves up to 64 transactions in the given order, each as `resolve_dependency` does.
    @dev An id that is not in buffered state reverts the whole batch. When an expiry trips the breaker, the batch ends
         there and succeeds: the ids behind it stay as they are, for a revert would undo the stop.
    @param tx_ids The transactions, parents before their children.
    """
    self._require_operator()
    settings: controls.Settings = controls._require_not_paused()
    for tx_id: bytes32 in tx_ids:
        if self._resolve(tx_id, settings.coordination_window):
            break


@external
def mark_executed(tx_id: bytes32):
    """
    @notice Records that a ready transaction was executed. Emits nothing.
    @dev Reverts: "Not authorized", "Coordinator is paused", "Transaction not ready", "Execution deadline passed".
    @param tx_id The transaction.
    """
    self._require_operator()
    self._execute(tx_id, controls._require_not_paused())


@external
def execute_batch(tx_ids: DynArray[bytes32, _ID_BATCH_MAX]):
    """
    @notice Records up to 64 executions, all or none.
    @dev Reverts as `mark_executed` does for the first id that it would refuse.
    @param tx_ids The transactions.
    """
    self._require_operator()
    settings: controls.Settings = controls._require_not_paused()
    for tx_id: bytes32 in tx_ids:
        self._execute(tx_id, settings)


@external
def mark_failed(tx_id: bytes32):
    """
    @notice Records that the execution of a ready transaction failed. It ends as EXPIRED, and the breaker counts it.
    @dev Emits TransactionFailed with "Execution failed".
         Reverts: "Not authorized", "Coordinator is paused", "Transaction not ready".
    @param tx_id The transaction.
    """
    self._require_operator()
    settings: controls.Settings = controls._require_not_paused()
    header: uint256 = transaction_store._header(tx_id)
    assert transaction_store._state_of(header) == transaction_store.State.READY, "Transaction not ready"
    self._fail(tx_id, header, "Execution failed")


@external
def expire_transaction(tx_id: bytes32):
    """
    @notice Ends a transaction whose time is over: buffered past its window, or ready past its execution deadline.
    @dev Emits TransactionFailed with "Transaction expired", and the breaker counts it.
         Reverts: "Not authorized", "Coordinator is paused", "Transaction not expired".
    @param tx_id The transaction.
    """
    self._require_operator()
    settings: controls.Settings = controls._require_not_paused()
    header: uint256 = transaction_store._header(tx_id)
    state: transaction_store.State = transaction_store._state_of(header)
    expired: bool = False
    if state == transaction_store.State.BUFFERED:
        expired = block.timestamp > transaction_store._timestamp_of(header) + settings.coordination_window
    elif state == transaction_store.State.READY:
        expired = self._past_execution_deadline(header, settings)
    assert expired, "Transaction not expired"
    self._fail(tx_id, header, "Transaction expired")


@external
@view
def is_transaction_ready(tx_id: bytes32) -> bool:
    """
    @notice Whether a transaction is in state READY and its timestamp is reached.
    @param tx_id The transaction.
    @return True when it may be executed.
    """
    header: uint256 = transaction_store._header(tx_id)
    return (
        transaction_store._state_of(header) == transaction_store.State.READY
        and block.timestamp >= transaction_store._timestamp_of(header)
    )


@external
@view
def get_transaction_state(tx_id: bytes32) -> transaction_store.State:
    """
    @notice The state of a transaction.
    @param tx_id The transaction.
    @return EMPTY 1 (unknown), BUFFERED 2, READY 4, EXECUTED 8 or EXPIRED 16.
    """
    return transaction_store._state_of(transaction_store._header(tx_id))


@external
@view
def get_transaction_details(tx_id: bytes32) -> (address, address, bytes32, uint256, transaction_store.State):
    """
    @notice A transaction without its payload.
    @param tx_id The transaction.
    @return Origin rollup, target rollup, dependency, timestamp and state.
    """
    found: transaction_store.CrossRollupTransaction = transaction_store._read(tx_id)
    return found.origin_rollup, found.target_rollup, found.dependency_tx_id, found.timestamp, found.state


@external
@view
def transactions(tx_id: bytes32) -> transaction_store.CrossRollupTransaction:
    """
    @notice A whole transaction, in the shape of a public mapping of the documented struct.
    @param tx_id The transaction.
    @return Origin rollup, target rollup, payload, dependency, timestamp and state.
    """
    return transaction_store._read(tx_id)


@internal
@view
def _require_operator():
    """
    @notice Requires that the caller is an operator.
    @dev Reverts: "Not authorized".
    """
    assert self.authorized_operators[msg.sender], "Not authorized"


@internal
def _buffer(
    tx_id: bytes32,
    origin_rollup: address,
    target_rollup: address,
    payload: Bytes[512],
    dependency_tx_id: bytes32,
    timestamp: uint256,
):
    """
    @notice Checks and stores one transaction. The caller counts it.
    @dev Reverts as `buffer_transaction` does after the checks of caller and emergency stop.
    @param tx_id The transaction's identifier, not zero.
    @param origin_rollup The address that stands for the rollup it comes from.
    @param target_rollup The address that stands for the rollup it goes to.
    @param payload Up to 512 bytes.
    @param dependency_tx_id The transaction that must be ready or executed first, or zero.
    @param timestamp Unix seconds from which it may become ready.
    """
    assert tx_id != empty(bytes32), "Invalid transaction ID"
    assert origin_rollup != empty(address), "Invalid origin rollup"
    assert target_rollup != empty(address), "Invalid target rollup"
    assert origin_rollup != target_rollup, "Origin and target must be different"
    assert timestamp >= block.timestamp, "Timestamp cannot be in the past"
    assert transaction_store._header(tx_id) == 0, "Transaction already exists"
    transaction_store._write(tx_id, origin_rollup, target_rollup, payload, dependency_tx_id, timestamp)
    log ITesseractCoordinator.TransactionBuffered(
        tx_id=tx_id, origin_rollup=origin_rollup, target_rollup=target_rollup, timestamp=timestamp
    )


@internal
def _resolve(tx_id: bytes32, window: uint256) -> bool:
    """
    @notice Resolves one transaction.
    @dev Reverts: "Transaction not in buffered state".
    @param tx_id The transaction.
    @param window The coordination window in seconds.
    @return True when its expiry tripped the breaker.
    """
    header: uint256 = transaction_store._header(tx_id)
    assert transaction_store._state_of(header) == transaction_store.State.BUFFERED, "Transaction not in buffered state"
    timestamp: uint256 = transaction_store._timestamp_of(header)
    if block.timestamp > timestamp + window:
        return self._fail(tx_id, header, "Transaction expired")
    if block.timestamp < timestamp or not self._dependency_met(tx_id, header):
        log ITesseractCoordinator.TransactionFailed(tx_id=tx_id, reason="Dependencies not satisfied")
        return False
    transaction_store._set_state(tx_id, header, transaction_store.State.READY)
    log ITesseractCoordinator.TransactionReady(tx_id=tx_id)
    return False


@internal
def _execute(tx_id: bytes32, settings: controls.Settings):
    """
    @notice Moves one transaction from READY to EXECUTED.
    @dev Reverts: "Transaction not ready", "Execution deadline passed".
    @param tx_id The transaction.
    @param settings The settings in force.
    """
    header: uint256 = transaction_store._header(tx_id)
    assert transaction_store._state_of(header) == transaction_store.State.READY, "Transaction not ready"
    assert not self._past_execution_deadline(header, settings), "Execution deadline passed"
    transaction_store._set_state(tx_id, header, transaction_store.State.EXECUTED)


@internal
def _fail(tx_id: bytes32, header: uint256, reason: String[100]) -> bool:
    """
    @notice Ends one transaction as EXPIRED and counts the failure.
    @param tx_id The transaction.
    @param header Its header as read in this call.
    @param reason What TransactionFailed says.
    @return True when this failure tripped the breaker.
    """
    transaction_store._set_state(tx_id, header, transaction_store.State.EXPIRED)
    log ITesseractCoordinator.TransactionFailed(tx_id=tx_id, reason=reason)
    return controls._count_failure()


@internal
@view
def _dependency_met(tx_id: bytes32, header: uint256) -> bool:
    """
    @notice Whether a transaction has no dependency, or one that is READY or EXECUTED in this contract.
    @dev A transaction that depends on itself is BUFFERED whenever this is asked, so it never passes.
    @param tx_id The transaction.
    @param header Its header as read in this call.
    @return True when it may become ready as far as its dependency goes.
    """
    dependency: bytes32 = transaction_store._dependency_of(tx_id, header)
    if dependency == empty(bytes32):
        return True
    state: transaction_store.State = transaction_store._state_of(transaction_store._header(dependency))
    return state in (transaction_store.State.READY | transaction_store.State.EXECUTED)


@internal
@view
def _past_execution_deadline(header: uint256, settings: controls.Settings) -> bool:
    """
    @notice Whether the execution deadline of a transaction is over; never when no execution window is set.
    @param header The transaction's header.
    @param settings The settings in force.
    @return True when it can no longer be marked as executed.
    """
    if settings.execution_window == 0:
        return False
    window_end: uint256 = transaction_store._timestamp_of(header) + settings.coordination_window
    return block.timestamp > window_end + settings.execution_window
