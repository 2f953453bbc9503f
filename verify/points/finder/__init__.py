"""The batched finder of second-order points: lowered derivatives, first-order phase, Newton modulo gauge."""
