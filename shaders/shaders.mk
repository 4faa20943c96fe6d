# shaders/NAME.comp -> $(BUILD)/shaders/NAME.spv.h, which defines `const uint32_t NAME_spv[]`; `make spirv` writes
# $(BUILD)/spirv/NAME.spv, for spirv-val. NAME_texel is NAME.comp built with -DTEXEL (see common.h). SPIR-V 1.5: the
# engine asks for Vulkan 1.2.

GLSLANG ?= glslangValidator
BUILD ?= build
.DEFAULT_GOAL := all

SHADERS := linear_tile norm rope gate gather edit attend weigh mix readout kl \
           linear_texel norm_texel rope_texel gate_texel gather_texel edit_texel attend_texel weigh_texel mix_texel \
           readout_texel kl_texel
# Cooperative matrices: GLSL knows them since glslang 13.
HASH := \#
HAS_COOP := $(shell printf '%s\n' '$(HASH)version 450' '$(HASH)extension GL_KHR_cooperative_matrix : require' \
              'layout(local_size_x = 1) in; void main() {}' \
              | $(GLSLANG) -V --quiet --stdin -S comp -o /dev/null >/dev/null 2>&1 && echo yes)
SHADERS += $(if $(HAS_COOP),linear_coop)
SHADER_HEADERS := $(SHADERS:%=$(BUILD)/shaders/%.spv.h)

GLSL = $(GLSLANG) -V --quiet --target-env vulkan1.2 -Ishaders $(DEFINES)
$(BUILD)/shaders/%_texel.spv.h $(BUILD)/spirv/%_texel.spv: DEFINES = -DTEXEL

# The shorter stem wins: norm_texel comes from norm.comp; there is no linear.comp, so linear_texel from its own.
$(BUILD)/shaders/%_texel.spv.h: shaders/%.comp
	@mkdir -p $(@D)
	$(call say,GLSL,$<)$(GLSL) --depfile $@.d --vn $*_texel_spv -o $@ $<

$(BUILD)/shaders/%.spv.h: shaders/%.comp
	@mkdir -p $(@D)
	$(call say,GLSL,$<)$(GLSL) --depfile $@.d --vn $*_spv -o $@ $<

$(BUILD)/spirv/%_texel.spv: shaders/%.comp
	@mkdir -p $(@D)
	$(call say,GLSL,$<)$(GLSL) --depfile $@.d -o $@ $<

$(BUILD)/spirv/%.spv: shaders/%.comp
	@mkdir -p $(@D)
	$(call say,GLSL,$<)$(GLSL) --depfile $@.d -o $@ $<

.PHONY: spirv
spirv: $(SHADERS:%=$(BUILD)/spirv/%.spv)

-include $(wildcard $(BUILD)/spirv/*.d)
