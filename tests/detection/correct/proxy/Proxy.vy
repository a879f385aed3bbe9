# pragma version 0.4.3
"""
@title Proxy
@license MIT
@notice Keeps the state; what is called it lets its implementation do.
"""

IMPLEMENTATION: immutable(address)


@deploy
def __init__(code: Bytes[24576]):
    IMPLEMENTATION = raw_create(code)


@external
@raw_return
def __default__() -> Bytes[2048]:
    return raw_call(IMPLEMENTATION, msg.data, max_outsize=2048, is_delegate_call=True)
