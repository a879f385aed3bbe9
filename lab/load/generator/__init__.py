"""The generator's building blocks. `user` and `shape` import Locust, which patches sockets: nothing of the lab imports
them, only Locust files do.
"""
