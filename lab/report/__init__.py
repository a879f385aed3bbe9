"""Release readiness: which rows of a checklist recorded evidence proves, and the pages that say so."""
