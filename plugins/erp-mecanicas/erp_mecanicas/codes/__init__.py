"""Decoders of identification numbers and fault codes: pure functions without database or HTTP."""
