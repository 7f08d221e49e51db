/* model/naming.h - what a tensor is, from its name in llama.cpp's spelling and its dimensions. */
#pragma once
#include "model/model.h"

/* Fills layer, use and class_ of a tensor whose name and dims stand. */
void naming_apply(struct tensor *t);
/* The name behind "blk.N."; the whole name outside the layers. */
struct str naming_of(const struct tensor *t);
