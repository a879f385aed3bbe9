"""The deployment file that `lab live init` writes."""

from __future__ import annotations

TEMPLATE = """\
# Which networks the contract goes to. `lab live plan` says what is missing, `lab live rehearse` tries all of it on
# local chains, `lab live deploy --broadcast` does it. No secret stands here: env:NAME is an environment variable.
version: 1
# contract: contracts/Mine.vy          # default: that of lab.yaml

# Who deploys: one of
#   keystore: keys/deployer.json       an encrypted key; its password is asked for (or password_file:)
#   remote: env:SIGNER_URL             web3signer, clef ({sepolia: env:A, ...}: one for each chain); with address:
#   exec: "cast mktx --ledger ..."     any command; with address:
# The same fresh account everywhere gives the same address everywhere.
deployer:
  keystore: keys/deployer.json

owner: "0x000000000000000000000000000000000000dEaD"      # REPLACE: who shall own every contract, not the deployer
operators: ["0x000000000000000000000000000000000000bEEF"]  # REPLACE: the relayer's account, at least
settings: {coordination_window: 30}
margin: 1.5                            # times the estimated cost that the deployer must have

networks:
  sepolia:
    rpc: [env:SEPOLIA_RPC, env:SEPOLIA_RPC_2]             # in order of preference
    explorers: [{kind: sourcify}, {kind: etherscan, key: env:ETHERSCAN_KEY}]
  base-sepolia:
    rpc: [env:BASE_SEPOLIA_RPC]
    max_fee_gwei: 5
"""
