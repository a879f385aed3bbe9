"""Scenario files: what they may say (models and registries), whether it makes sense (lint), what it means (items)."""
