# pragma version 0.4.3
event Counted:
    by: indexed(address)
    count: uint256


STEP: constant(uint256) = 3

owner: address
count: public(uint256)
stopped: bool


@deploy
def __init__():
    self.owner = msg.sender


@external
def add(amount: uint256, extra: uint256):
    assert msg.sender == self.owner and not self.stopped, "Not allowed"
    if amount > 10:
        self.stopped = True
    self.count += amount * STEP + self._weighted(extra, amount)
    log Counted(by=msg.sender, count=self.count)


@external
@view
def is_full() -> bool:
    return self.count >= 100


@internal
@pure
def _weighted(a: uint256, b: uint256) -> uint256:
    return a + 2 * b
