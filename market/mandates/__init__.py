"""Mandates: who has no device signs on paper, and a second person of the body enters it with her own passkey."""
