/* model/hf_folder.h - a model as the hub publishes it: a folder with config.json and, if they are there, safetensors beside it. */
#pragma once
#include "model/model.h"

/* path: the folder, its config.json, one of its safetensors files or their index. Known by its shape: no tensors in llama.cpp's sense;
 * m->stored tells of the weights as published, NULL where none are there. Notes say what is missing and where counts differ. */
bool model_from_folder(const char *path, const struct catalog *c, struct arena *a,
                       struct notes *notes, struct model *out, struct mu_err *err) NODISCARD;
/* Whether the path's name is one that model_from_folder() reads: *.safetensors, *.json. */
bool model_folder_part(const char *path);
