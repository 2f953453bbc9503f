"""Builders of certificates; nothing here is trusted, the kernel checks every file."""
