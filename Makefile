# The front door: every target is one script.
.PHONY: demo test check soak setup
.DEFAULT_GOAL := help

help:
	@echo "make demo    a migration from start to end on real servers, explained"
	@echo "make test    every test, over real servers"
	@echo "make check   formatting, lints, documentation, unit tests"
	@echo "make soak    the long form of the safety tests (about half an hour, most of it building)"
	@echo "make setup   install what these need"

demo test check soak setup:
	@scripts/$@.sh
