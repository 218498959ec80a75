"""The drills, each in the file of what is hurt."""
