"""Panels: people who judge what suppliers sent, each on her own, by one scale, and without an interest in any of it."""
