"""Carries requests to the nodes: the policy that faults act by, the rules of the network's pool, gate and proxy."""
