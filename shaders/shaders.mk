# shaders/NAME.comp -> $(BUILD)/shaders/NAME.spv.h, which defines `const uint32_t NAME_spv[]`; `make spirv` writes
# $(BUILD)/spirv/NAME.spv, for spirv-val. NAME_texel and NAME_shared are NAME.comp built with -DTEXEL and -DSHARED (see
# common.h). SPIR-V 1.3: the engine asks for Vulkan 1.1.

GLSLANG ?= glslangValidator
BUILD ?= build
.DEFAULT_GOAL := all

ROW_SHADERS := norm rope gate cap gather edit attend weigh mix readout kl
SHADERS := $(ROW_SHADERS) $(ROW_SHADERS:%=%_texel) $(ROW_SHADERS:%=%_shared) linear_tile linear_tile_shared \
           linear_lanes linear_lanes_texel
# Cooperative matrices: GLSL knows them since glslang 13.
HASH := \#
HAS_COOP := $(shell printf '%s\n' '$(HASH)version 450' '$(HASH)extension GL_KHR_cooperative_matrix : require' \
              'layout(local_size_x = 1) in; void main() {}' \
              | $(GLSLANG) -V --quiet --stdin -S comp -o /dev/null >/dev/null 2>&1 && echo yes)
SHADERS += $(if $(HAS_COOP),linear_coop)
SHADER_HEADERS := $(SHADERS:%=$(BUILD)/shaders/%.spv.h)

GLSL_TARGET = vulkan1.1
GLSL = $(GLSLANG) -V --quiet --target-env $(GLSL_TARGET) -Ishaders $(DEFINES)
$(BUILD)/shaders/linear_coop.spv.h $(BUILD)/spirv/linear_coop.spv: GLSL_TARGET = vulkan1.2
$(BUILD)/shaders/%_texel.spv.h $(BUILD)/spirv/%_texel.spv: DEFINES = -DTEXEL
$(BUILD)/shaders/%_shared.spv.h $(BUILD)/spirv/%_shared.spv: DEFINES = -DSHARED

# The shorter stem wins: norm_texel comes from norm.comp.
define SPIRV
$(BUILD)/shaders/%$(1).spv.h: shaders/%.comp
	@mkdir -p $$(@D)
	$$(call say,GLSL,$$<)$$(GLSL) --depfile $$@.d --vn $$*$(1)_spv -o $$@ $$<

$(BUILD)/spirv/%$(1).spv: shaders/%.comp
	@mkdir -p $$(@D)
	$$(call say,GLSL,$$<)$$(GLSL) --depfile $$@.d -o $$@ $$<
endef
$(foreach build,_texel _shared,$(eval $(call SPIRV,$(build))))
$(eval $(call SPIRV,))

.PHONY: spirv
spirv: $(SHADERS:%=$(BUILD)/spirv/%.spv)

-include $(SHADERS:%=$(BUILD)/spirv/%.spv.d)
