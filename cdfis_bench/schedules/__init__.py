"""Schedules: how the learning rate follows the budget."""
