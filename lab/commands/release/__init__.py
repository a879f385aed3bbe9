"""The commands of a release manager: report, attestations, signature, bundle."""
