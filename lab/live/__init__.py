"""Deployments to real networks: plan, deploy, verify, smoke, and the same rehearsed on local chains."""
