"""Tests of gzmtp.wire: pure, no port, no clock."""
