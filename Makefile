# Every target sets up what it needs, and nothing more. See docs/environment.md.

.DEFAULT_GOAL := help
.PHONY: help demo test test-python lint soak weights docs format shell

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo:  ## track a clip, or INPUT=<video, folder or bag>, through ROS 2, and show what came out
	@tools/run jtn demo $(if $(INPUT),--input "$(INPUT)")

test: lint  ## check the format, the rules and the types, then run all tests and measure what they run
	@tools/run --dev pytest -q --cov

test-python:  ## run the tests that need no ROS 2 on another Python, PYTHON=<version>
	@JTN_PYTHON=$(or $(PYTHON),3.14) tools/run --dev pytest -q

lint:  ## check the format, the rules, the types and the imports
	@tools/run --dev ruff format --check
	@tools/run --dev ruff check
	@tools/run --dev mypy
	@tools/run --dev lint-imports

soak:  ## run the nodes for long, some two hours: lifecycles, starts and stops, hostile messages, streams, latencies
	@tools/run --dev pytest -q -s test/nodes/soak/soak_lifecycle.py test/nodes/soak/soak_hostile.py test/nodes/soak/soak_shutdown.py \
	  test/nodes/soak/soak_latency.py test/nodes/soak/soak_stream.py test/nodes/soak/soak_live.py test/nodes/soak/soak_camera.py

weights:  ## make the bundled weights anew, DATA=<folder of pictures>; hours, and the same command goes on after a stop
	@test -f "$(DATA)/train.json" || { echo "no train.json in '$(DATA)': make weights DATA=FOLDER; \
	models/README.md (Training data) says what FOLDER holds and where the pictures come from" >&2; exit 2; }
	@tools/run --dev jtn train people_small --data "$(DATA)" --threads 1 --output runs/people_small
	@tools/run --dev jtn train people --data "$(DATA)" --threads 1 --output runs/people
	@tools/run --dev jtn train people_long --data "$(DATA)" --threads 1 --output runs/people_long
	@tools/run --dev jtn train people_final --data "$(DATA)" --threads 1 --output runs/people_final
	@cp runs/people_final/weights.safetensors models/jtn_people.safetensors
	@tools/run --dev jtn export models/jtn_people.safetensors models/jtn_people.onnx
	@tools/run --dev jtn export models/jtn_people.safetensors models/jtn_people_large.onnx --name jtn_people_large --input 480x864
	@tools/run --dev jtn synthesize runs/calibration --sequences 4 --seconds 2 --fps 10 --seed 2147485000 --people 4-20
	@tools/run --dev jtn export models/jtn_people.safetensors models/jtn_people_int8.onnx --name jtn_people_int8 --int8 "$(DATA)/train.json" runs/calibration/*

docs:  ## write the generated files (docs/parameters.md, config/tracker.yaml), then build the documentation into site/
	@tools/run --dev python -m jtn_ros.nodes.tracker.parameter_docs .
	@NO_MKDOCS_2_WARNING=1 tools/run --dev mkdocs build --strict

format:  ## rewrite the code in the project's format
	@tools/run --dev ruff check --select I --fix --quiet
	@tools/run --dev ruff format

shell:  ## open a shell in the environment
	@tools/run bash --init-file tools/shell.bash
