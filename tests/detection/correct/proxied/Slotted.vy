# pragma version 0.4.3
"""
@title Slotted
@license MIT
@notice A proxy that keeps its implementation in a slot which the implementation has for something of its own.
"""

unused: uint256[2]
implementation: address


@deploy
@payable
def __init__(implementation: address, data: Bytes[1024]):
    self.implementation = implementation
    raw_call(implementation, data, is_delegate_call=True)


@external
@payable
@raw_return
def __default__() -> Bytes[4096]:
    return raw_call(self.implementation, msg.data, max_outsize=4096, is_delegate_call=True)
