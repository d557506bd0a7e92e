"""Findings told to people by e-mail and webhook: grouped, once, and again when they end."""
