# The front door: every target is one script.
.PHONY: bench check demo package recording setup soak static test
.DEFAULT_GOAL := help

help:
	@echo "make demo       a migration from start to end on real servers, explained"
	@echo "make test       every test, over real servers"
	@echo "make check      formatting, lints, documentation, unit tests"
	@echo "make soak       the long form of the safety tests (about half an hour, most of it building)"
	@echo "make bench      the official tool and ours side by side (some minutes, and a release build)"
	@echo "make recording  a migration on real servers, recorded: draws docs/recording.svg anew"
	@echo "make package    a Debian package in target/debian (a release build)"
	@echo "make static     the program without shared libraries in target/static (a release build)"
	@echo "make setup      install what these need"

bench check demo package recording setup soak static test:
	@scripts/$@.sh
