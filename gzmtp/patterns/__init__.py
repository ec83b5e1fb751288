"""Messaging patterns: who gets which message.  `gzmtp.patterns.registry` has a row for each socket
type; nothing is imported with this package, since a program begins with none of them."""
