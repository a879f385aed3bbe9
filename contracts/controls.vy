# pragma version 0.4.3
"""
@title Controls of the coordinator
@license MIT
@author Tesseract Lab
@notice Windows, emergency stop and circuit breaker, together with the counters they need.
@dev Everything lives in one storage slot, because every buffered transaction reads the pause flag and raises the
     transaction counter. Layout, from the lowest bit:
       64 transaction_count, 32 failure_count, 32 breaker_threshold, 16 coordination_window,
       40 execution_window, 64 period_start, 8 paused.
     The failure counter is only raised by calls that succeed. A counter raised before a revert would be rolled back
     with it, and such a breaker never trips.
"""

import ownership

uses: ownership


# Length of a breaker period in seconds. It starts with the first failure after the last period ended.
_BREAKER_PERIOD: constant(uint256) = 3600

_WINDOW_MIN: constant(uint256) = 5
_WINDOW_MAX: constant(uint256) = 300
_WINDOW_DEFAULT: constant(uint256) = 30
_THRESHOLD_DEFAULT: constant(uint256) = 25

_MASK_16: constant(uint256) = 2**16 - 1
_MASK_32: constant(uint256) = 2**32 - 1
_MASK_40: constant(uint256) = 2**40 - 1
_MASK_64: constant(uint256) = 2**64 - 1


struct Settings:
    transaction_count: uint256
    failure_count: uint256
    breaker_threshold: uint256
    coordination_window: uint256
    execution_window: uint256
    period_start: uint256
    paused: bool


_packed: uint256


event CoordinationWindowSet:
    window: uint256


event ExecutionWindowSet:
    window: uint256


event BreakerThresholdSet:
    threshold: uint256


event EmergencyStop:
    caller: indexed(address)
    reason: String[100]


event EmergencyStopLifted:
    caller: indexed(address)


@deploy
def __init__():
    """
    @notice Starts with a window of 30 seconds, no execution deadline and a breaker threshold of 25.
    """
    settings: Settings = empty(Settings)
    settings.coordination_window = _WINDOW_DEFAULT
    settings.breaker_threshold = _THRESHOLD_DEFAULT
    self._store(settings)
    log CoordinationWindowSet(window=_WINDOW_DEFAULT)
    log ExecutionWindowSet(window=0)
    log BreakerThresholdSet(threshold=_THRESHOLD_DEFAULT)


@external
def set_coordination_window(window_seconds: uint256):
    """
    @notice Sets how long after its timestamp a transaction can still become ready.
    @dev Applies at once, also to transactions already buffered.
         Reverts: "Only owner can set window", "Window must be between 5 and 300 seconds".
    @param window_seconds The window in seconds, 5 to 300.
    """
    assert msg.sender == ownership.owner, "Only owner can set window"
    assert window_seconds >= _WINDOW_MIN and window_seconds <= _WINDOW_MAX, "Window must be between 5 and 300 seconds"
    settings: Settings = self._load()
    settings.coordination_window = window_seconds
    self._store(settings)
    log CoordinationWindowSet(window=window_seconds)


@external
def set_execution_window(window_seconds: uint256):
    """
    @notice Sets how long after the end of its coordination window a ready transaction can be marked as executed.
    @dev Applies at once, also to transactions already ready.
         Reverts: "Only owner can set execution window", "Execution window too long" above 2**40 - 1.
    @param window_seconds The execution window in seconds; 0 means no deadline.
    """
    assert msg.sender == ownership.owner, "Only owner can set execution window"
    assert window_seconds <= _MASK_40, "Execution window too long"
    settings: Settings = self._load()
    settings.execution_window = window_seconds
    self._store(settings)
    log ExecutionWindowSet(window=window_seconds)


@external
def set_breaker_threshold(threshold: uint256):
    """
    @notice Sets how many failures within one period stop the coordinator.
    @dev Lowering it below the present count does not stop the coordinator by itself; the next failure does.
         Reverts: "Only owner can set threshold", "Breaker threshold too large" above 2**32 - 1.
    @param threshold The number of failures; 0 switches the automatic stop off (failures are still counted).
    """
    assert msg.sender == ownership.owner, "Only owner can set threshold"
    assert threshold <= _MASK_32, "Breaker threshold too large"
    settings: Settings = self._load()
    settings.breaker_threshold = threshold
    self._store(settings)
    log BreakerThresholdSet(threshold=threshold)


@external
def pause():
    """
    @notice Stops every operator function. Owner functions and views keep working.
    @dev Reverts: "Only owner can pause", "Coordinator is paused" when it is paused already.
    """
    assert msg.sender == ownership.owner, "Only owner can pause"
    settings: Settings = self._load()
    assert not settings.paused, "Coordinator is paused"
    settings.paused = True
    self._store(settings)
    log EmergencyStop(caller=msg.sender, reason="Paused by owner")


@external
def unpause():
    """
    @notice Lifts the emergency stop and resets the failure count.
    @dev Reverts: "Only owner can unpause", "Coordinator is not paused".
    """
    assert msg.sender == ownership.owner, "Only owner can unpause"
    settings: Settings = self._load()
    assert settings.paused, "Coordinator is not paused"
    settings.paused = False
    settings.failure_count = 0
    settings.period_start = 0
    self._store(settings)
    log EmergencyStopLifted(caller=msg.sender)


@external
@view
def paused() -> bool:
    """
    @notice Whether the emergency stop is in force.
    @return True while operator functions revert with "Coordinator is paused".
    """
    return self._load().paused


@external
@view
def breaker_threshold() -> uint256:
    """
    @notice How many failures within one period stop the coordinator.
    @return The number of failures; 0 when the automatic stop is off.
    """
    return self._load().breaker_threshold


@external
@view
def failure_count() -> uint256:
    """
    @notice How many failures the running breaker period has counted.
    @return The number of failures; 0 once the period is over, and after `unpause`.
    """
    settings: Settings = self._load()
    if block.timestamp >= settings.period_start + _BREAKER_PERIOD:
        return 0
    return settings.failure_count


@external
@view
def coordination_window() -> uint256:
    """
    @notice How long after its timestamp a transaction can still become ready.
    @return The window in seconds.
    """
    return self._load().coordination_window


@external
@view
def execution_window() -> uint256:
    """
    @notice How long after the end of its coordination window a ready transaction can be marked as executed.
    @return The execution window in seconds; 0 when there is no deadline.
    """
    return self._load().execution_window


@external
@view
def transaction_count() -> uint256:
    """
    @notice How many transactions were ever buffered.
    @return The number of transactions.
    """
    return self._load().transaction_count


@internal
@view
def _require_not_paused() -> Settings:
    """
    @notice Requires that the coordinator is not paused.
    @dev Reverts: "Coordinator is paused". Returns what it had to read, which saves a second read.
    @return The unpacked settings.
    """
    settings: Settings = self._load()
    assert not settings.paused, "Coordinator is paused"
    return settings


@internal
def _count_failure() -> bool:
    """
    @notice Counts one failure and stops the coordinator when the count reaches the threshold.
    @dev The caller must not revert afterwards, or the count is lost.
    @return True when this failure stopped the coordinator.
    """
    settings: Settings = self._load()
    if block.timestamp >= settings.period_start + _BREAKER_PERIOD:
        settings.period_start = block.timestamp
        settings.failure_count = 0
    # 2**32 - 1 failures in an hour cannot happen; the guard keeps the field from running into its neighbour.
    if settings.failure_count < _MASK_32:
        settings.failure_count += 1
    tripped: bool = settings.breaker_threshold != 0 and settings.failure_count >= settings.breaker_threshold
    settings.paused = tripped
    self._store(settings)
    if tripped:
        log EmergencyStop(caller=msg.sender, reason="Failure threshold reached")
    return tripped


@internal
@view
def _load() -> Settings:
    """
    @notice Unpacks the settings slot.
    @return The settings.
    """
    packed: uint256 = self._packed
    return Settings(
        transaction_count=packed & _MASK_64,
        failure_count=(packed >> 64) & _MASK_32,
        breaker_threshold=(packed >> 96) & _MASK_32,
        coordination_window=(packed >> 128) & _MASK_16,
        execution_window=(packed >> 144) & _MASK_40,
        period_start=(packed >> 184) & _MASK_64,
        paused=(packed >> 248) != 0,
    )


@internal
def _store(settings: Settings):
    """
    @notice Packs the settings into their slot. Every field was checked against its width where it was set.
    @param settings The settings.
    """
    self._packed = (
        settings.transaction_count
        | (settings.failure_count << 64)
        | (settings.breaker_threshold << 96)
        | (settings.coordination_window << 128)
        | (settings.execution_window << 144)
        | (settings.period_start << 184)
        | (convert(settings.paused, uint256) << 248)
    )
