"""Liquid: turns the templates of messages into what their recipients read."""
