"""Agents: what they save by searching, and what their resident process stands."""
