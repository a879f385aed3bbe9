"""When it alerts: the description of the alerts, the rules and routes that follow from it, the alerts of a run."""
