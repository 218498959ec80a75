"""Access: one policy per model decides which rows, which actions and which fields."""
