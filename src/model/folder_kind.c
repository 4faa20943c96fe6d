#include "model/folder_kind.h"

#include <string.h>

#include "base/folder.h"

enum lack { NO_CONFIG = 1 << 0, NO_WEIGHTS = 1 << 1 };

static const char convert[] = ""; // said with the folder's name

// Files by the ends of their names, the surest sign first.
static const struct sign {
    const char *begins, *ends;
    unsigned lacks; // where it is a sign
    const char *is, *remedy;
} signs[] = {
    { "adapter_", ".json", NO_CONFIG | NO_WEIGHTS, "a PEFT adapter",
      "merge it into its model with merge_and_unload() and save that" },
    { "adapter_model", "", NO_CONFIG | NO_WEIGHTS, "a PEFT adapter",
      "merge it into its model with merge_and_unload() and save that" },
    { "modules.json", "", NO_CONFIG | NO_WEIGHTS, "a sentence-transformers model",
      "it has no language head; take the language model that it was made from" },
    { "model_index.json", "", NO_CONFIG | NO_WEIGHTS, "a diffusion pipeline",
      "it is no language model" },
    { "", ".gguf", NO_CONFIG | NO_WEIGHTS, "a folder with a GGUF file", "name the file itself" },
    { "consolidated.", "", NO_CONFIG | NO_WEIGHTS, "a checkpoint in Meta's or Mistral's own format",
      "take the one in the hub's format (with config.json and model.safetensors), or convert it "
      "with transformers' convert_llama_weights_to_hf.py" },
    { "pytorch_model", "", NO_WEIGHTS, "which is pickled and not read", convert },
    { "", ".bin", NO_WEIGHTS, "which is pickled and not read", convert },
    { "", ".pt", NO_WEIGHTS, "which is pickled and not read", convert },
    { "", ".pth", NO_WEIGHTS, "which is pickled and not read", convert },
    { "", ".ckpt", NO_WEIGHTS, "which is pickled and not read", convert },
    { "tf_model", ".h5", NO_WEIGHTS, "which is TensorFlow's and not read", convert },
    { "flax_model", ".msgpack", NO_WEIGHTS, "which is Flax's and not read", convert },
    { "model-0", ".safetensors", NO_WEIGHTS, "shards without their index",
      "fetch model.safetensors.index.json of the same checkpoint too" },
    { "", ".safetensors", NO_WEIGHTS, "weights under another name",
      "if it is the whole model, call it model.safetensors" },
    { "", ".incomplete", NO_WEIGHTS, "a download that was broken off", "download it again" },
    { "model", ".safetensors", NO_CONFIG, "weights alone",
      "put the config.json of the same checkpoint beside them" },
};

static bool fits(const struct sign *s, const char *name)
{
    size_t len = strlen(name), begins = strlen(s->begins), ends = strlen(s->ends);
    return len >= begins + ends && strncmp(name, s->begins, begins) == 0
           && strcmp(name + len - ends, s->ends) == 0;
}

static const char *first_that_fits(const struct sign *s, const struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (fits(s, names->items[i]))
            return names->items[i];
    return NULL;
}

static bool tell(const char *folder, enum lack lack, const char *what, const char *expected,
                 struct abl_err *err)
{
    struct names names;
    if (!folder_names(folder, NULL, &names, err))
        return false;
    const char *found = NULL;
    const struct sign *s = signs, *end = signs + sizeof signs / sizeof *signs;
    for (; s < end; s++)
        if (s->lacks & lack && (found = first_that_fits(s, &names)))
            break;
    if (found && s->remedy == convert)
        abl_fail(err, ABL_BAD_MODEL,
                 "no %s in '%s', only '%s', %s: convert it with python3 -c \"from "
                 "transformers import AutoModelForCausalLM as M; "
                 "M.from_pretrained('%s').save_pretrained('%s-safetensors')\"",
                 what, folder, found, s->is, folder, folder);
    else if (found)
        abl_fail(err, ABL_BAD_MODEL, "no %s in '%s': found '%s', the sign of %s; %s", what, folder,
                 found, s->is, s->remedy);
    else
        abl_fail(err, ABL_BAD_MODEL, "no %s in '%s': expected %s", what, folder, expected);
    names_release(&names);
    return false;
}

bool folder_lacks_config(const char *folder, struct abl_err *err)
{
    return tell(folder, NO_CONFIG, "config.json",
                "the one that the checkpoint came with; download it again", err);
}

bool folder_lacks_weights(const char *folder, struct abl_err *err)
{
    return tell(folder, NO_WEIGHTS, "safetensors",
                "model.safetensors or model.safetensors.index.json; download the checkpoint again",
                err);
}
