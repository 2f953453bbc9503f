"""The LoRA theory as claims: one topic a file."""
