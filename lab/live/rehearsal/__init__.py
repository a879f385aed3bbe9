"""The whole of a deployment on local chains of the same ids, behind endpoints that fail as public ones do."""
