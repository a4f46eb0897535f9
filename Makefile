# Every target runs the script of its name in scripts/.
.PHONY: bench check demo image package recording setup soak static test
.DEFAULT_GOAL := help

help:
	@echo "make demo       run a migration on real servers, explained step by step"
	@echo "make test       run every test, over real servers"
	@echo "make check      check formatting, lints and documentation, run unit tests"
	@echo "make soak       run the long form of the safety tests (hours); PART=list names its parts, PART=kills runs one"
	@echo "make bench      measure the official tool and this one (about 45 minutes, with a release build)"
	@echo "make recording  record a maintenance window on real servers into docs/recording.svg"
	@echo "make package    build a Debian package in target/debian (a release build)"
	@echo "make static     build the program without shared libraries in target/static (a release build)"
	@echo "make image      build a container image in target/image (a release build)"
	@echo "make setup      install what the other targets need"

bench check demo image package recording setup soak static test:
	@scripts/$@.sh
