"""Confirming what binds: the page that asks for the passkey and goes on with what was typed."""
