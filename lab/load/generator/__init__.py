"""The generator's building blocks.

`user` imports Locust, which patches sockets: nothing of the lab imports it, only Locust files do.
"""
