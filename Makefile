# Two commands: `make run` and `make test`. Everything else is meson's (meson.build).
BUILD ?= build
MESON_FLAGS ?=

.PHONY: build run test install clean
build:
	tools/setup run
	test -f $(BUILD)/build.ninja || tools/configure $(BUILD) $(MESON_FLAGS)
	ninja -C $(BUILD)

run: build
	$(BUILD)/muster check

test:
	tools/setup test
	test -f $(BUILD)/build.ninja || tools/configure $(BUILD) -Dengine_tools=enabled $(MESON_FLAGS)
	ninja -C $(BUILD)
	tools/run-tests $(BUILD)

install: build
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD)
