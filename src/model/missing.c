#include "model/missing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint32_t missing_count_layers(const struct checkpoint *c, const struct arch_tensors *names,
                              const char *prefix)
{
    size_t skip = strlen(prefix);
    uint32_t n = 0, layer;
    for (size_t i = 0; i < c->n_tensors; i++) {
        const char *name = c->tensors[i].entry->name;
        if (strncmp(name, prefix, skip) == 0 && arch_layer_of(names, name + skip, &layer)
            && layer >= n)
            n = layer < UINT32_MAX ? layer + 1 : layer;
    }
    return n;
}

// The first tensor whose name has the text; NULL where none has.
static const char *named(const struct checkpoint *c, const char *text)
{
    for (size_t i = 0; i < c->n_tensors; i++)
        if (strstr(c->tensors[i].entry->name, text))
            return c->tensors[i].entry->name;
    return NULL;
}

// What parts of names tell, the surest first.
static const struct {
    const char *part, *is, *remedy;
} signs[] = {
    { ".lora_A", "the weights of a LoRA adapter",
      "merge it into its model with merge_and_unload() of peft and save that" },
    { "lora_", "the weights of a LoRA adapter",
      "merge it into its model with merge_and_unload() of peft and save that" },
    { ".qweight", "weights quantised by GPTQ or AWQ",
      "take the checkpoint that it was made from, or a GGUF file of it" },
    { ".absmax", "weights quantised by bitsandbytes",
      "take the checkpoint that it was made from, or a GGUF file of it" },
    { ".quant_state", "weights quantised by bitsandbytes",
      "take the checkpoint that it was made from, or a GGUF file of it" },
    { ".weight_scale", "quantised weights",
      "take the checkpoint that it was made from, or a GGUF file of it" },
    { ".weight_packed", "packed quantised weights",
      "take the checkpoint that it was made from, or a GGUF file of it" },
    { ".experts.", "a mixture of experts", "such models are not supported" },
    { "language_model.", "a model of several parts, with its language model under a prefix",
      "save the language model on its own, with its own config.json" },
    { "vision_tower.", "a model that sees", "save its language model on its own" },
    { "base_model.model.", "a model wrapped by peft",
      "merge it with merge_and_unload() and save that" },
};

bool missing_tensor(const struct model *m, const struct arch_tensors *names, const char *prefix,
                    const char *tensor, struct abl_err *err)
{
    const struct checkpoint *c = m->files->checkpoint;
    const char *by = c->is_gguf ? "the file's metadata" : "config.json", *found = NULL;
    size_t i = 0, n = sizeof signs / sizeof *signs;
    for (; i < n && !(found = named(c, signs[i].part)); i++)
        ;
    if (found)
        return abl_fail(err, ABL_BAD_MODEL,
                        "no tensor '%s' in '%s': found '%s', which is of %s; %s", tensor, m->path,
                        found, signs[i].is, signs[i].remedy);
    uint32_t layers = missing_count_layers(c, names, prefix);
    if (layers && layers < m->shape.n_layers)
        return abl_fail(err, ABL_BAD_MODEL,
                        "no tensor '%s' in '%s': found %" PRIu32 " layers, expected %" PRIu32
                        " by %s; if that is the whole model set the number of layers there to "
                        "%" PRIu32 ", else download it again",
                        tensor, m->path, layers, m->shape.n_layers, by, layers);
    size_t skip
        = strlen(tensor)
          - (strlen(names->unembed) < strlen(tensor) ? strlen(names->unembed) : strlen(tensor));
    if (layers && strcmp(tensor + skip, names->unembed) == 0)
        return abl_fail(err, ABL_BAD_MODEL,
                        "no tensor '%s' in '%s': expected the unembedding; if the model reads out "
                        "through its embedding set \"tie_word_embeddings\" to true in config.json, "
                        "if it was saved without a language head take the checkpoint that has one",
                        tensor, m->path);
    if (!layers && c->n_tensors)
        return abl_fail(err, ABL_BAD_MODEL,
                        "no tensor '%s' in '%s': found %zu others, such as '%s', none of them by "
                        "the names of this architecture; the weights are of another model than "
                        "%s says, or under names of their own",
                        tensor, m->path, c->n_tensors, c->tensors[0].entry->name, by);
    return abl_fail(err, ABL_BAD_MODEL,
                    "no tensor '%s' in '%s': expected every weight that %s implies; the "
                    "checkpoint is not complete, download it again",
                    tensor, m->path, by);
}
