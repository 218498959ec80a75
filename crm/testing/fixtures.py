"""The cast of the tests: two teams and the people around them, as in the demo."""
