"""Figures as text and documents."""
