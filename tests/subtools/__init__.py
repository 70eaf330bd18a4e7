"""Tests of the subtools, group by group."""
