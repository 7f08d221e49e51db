/* catalog/parts.h - models, CPUs, accelerators and machines for rent by name (data/models.json, cpus.json, gpus.json, clouds.json). */
#pragma once
#include "catalog/catalog.h"

/* One model of data/models.json. Absent numbers are NaN, absent texts NULL. Names as in the file; shape flags as in its shape{}. */
/* How weights are published where that is not 16 bits: of the linear layers, or of the experts alone; all else is. */
struct published_as {
    const char *type; /* "FP8", NULL: 16 bits */
    const char *part; /* "linear" "experts", NULL: which is not known */
    double bits, scale_bits,
        group; /* of a value, and of the scale that `group` of them share; 0: none */
};
struct model_part {
    const char *hf_id, *family, *arch, *license, *release, *task, *modality, *confidence, *source,
        *note;
    const char *const *aliases;
    size_t alias_count;
    double params_total, params_text, params_active, params_computed, params_published;
    double n_layers, d_model, n_heads, n_kv_heads, head_dim, d_ff, vocab_size, max_context;
    double n_experts, n_experts_used, d_ff_expert, n_shared_experts, d_ff_shared_expert,
        expert_latent_dim /* what experts see of a token, brought down to that width; NaN: all */,
        first_dense_layers, moe_layer_step;
    const char *rope_scaling; /* rope_scaling.type: "llama3", "longrope", "yarn", NULL */
    double sliding_window;
    const char *sliding_pattern; /* "5 local : 1 global" */
    double global_head_dim, global_kv_heads, n_kv_shared_layers, per_layer_embedding_dim,
        side_streams, residual_rank;
    bool attention_k_eq_v; /* layers that see all have no matrix of values */
    bool tied_embeddings;
    bool gated;               /* its owner has people accept a licence before they fetch it */
    const char *native_quant; /* what it is published in where that is not 16 bits; or NULL */
    struct {
        const char *kind; /* NULL: none */
        double output_groups, output_rank, streams, hashed_layers, lead_layers, lead_ratio;
    } compressed;
    struct {
        double q_lora_rank, kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim, v_head_dim;
        double index_n_heads, index_head_dim, index_topk; /* of sparse attention's indexer */
        bool present;
    } mla;
    struct {
        const char *kind;
        const char *attention_layers; /* "2,5,8", from 0; NULL: evenly, or every n-th */
        double n_full_attention_layers, n_linear_layers, full_attention_interval;
        double linear_key_heads, linear_value_heads, linear_head_dim, conv_kernel;
        double d_inner, d_state, dt_rank, n_groups, n_ssm_heads;
        const char *layer_pattern; /* a letter a layer: M recurs, * attends, E and - feed forward */
        bool present;
    } hybrid;
    struct {
        /* dense encoder moe mla_moe qwen_hybrid lfm2 mamba1 mamba2 gpt_oss llama4 gemma4; NULL: shape not known */
        const char *kind;
        const char *qk_norm; /* "head", "full" or NULL */
        bool gated_ffn, qkv_bias, attn_output_bias, ffn_bias, norm_bias, output_bias, pooler,
            has_output_matrix, router_bias, shared_gate, final_norm, double_wide_ffn_on_shared;
        double norms_per_layer, learned_positions, embedding_norm, token_types, extra_params;
    } shape;
    double embedding_dim, mmlu; /* quality.mmlu, percent */
    struct published_as published;
    const char *native_mix; /* the mix that holds it as it was trained; NULL: none does */
};

bool catalog_models(const struct catalog *c, const struct model_part **out, size_t *count,
                    struct mu_err *err) NODISCARD;
/* By hf_id with or without the organisation, by alias, by Ollama's name:tag; as a last resort without endings such as -instruct or :latest.
 * An alias that several rows carry gives MATCH_SEVERAL: *out is the most used (first), `others` names the rest in words, else NULL. */
enum catalog_match catalog_model(const struct catalog *c, struct str name,
                                 const struct model_part **out, const char **others);
/* The nearest known spelling, for "did you mean"; NULL when nothing is near. */
const char *catalog_model_near(const struct catalog *c, struct str name);

struct cpu_part {
    const char *name, *vendor, *class_, *memory_type, *source, *confidence;
    const char *const *aliases;
    size_t alias_count;
    double cores, threads, memory_channels, channel_bits, memory_mts, theoretical_bandwidth_gbs,
        max_boost_ghz, tdp_w, max_memory_gib, l3_mib;
    bool avx2, avx512, avx512_vnni, avx_vnni, amx, neon, dotprod, i8mm, sve;
};
bool catalog_cpus(const struct catalog *c, const struct cpu_part **out, size_t *count,
                  struct mu_err *err) NODISCARD;
/* By name or alias, or by a name as systems write it ("Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz"); NULL when unknown. */
const struct cpu_part *catalog_cpu(const struct catalog *c, struct str name);

struct gpu_part {
    const char *name, *driver_name, *vendor, *class_, *architecture, *memory_type, *source,
        *confidence;
    const char *const *aliases;
    size_t alias_count;
    const char *const *pci_ids;
    size_t pci_id_count; /* "10de:2684" */
    double memory_gib, memory_bandwidth_gbs, tdp_w, launch_year;
    double driver_reported_mib; /* what its driver says of memory_gib */
    /* Dense, of 10^12 a second. fp16_tensor: products of F16 with F32 sums in matrix units; fp16: without them. */
    double fp32_tflops, fp16_tflops, fp16_tensor_tflops, bf16_tflops, fp8_tflops, fp4_tflops,
        int8_tops;
    const char *compute_capability, *gfx;
    bool unified_memory, laptop;
    /* Unified memory: the share of it that the GPU may use unless told otherwise, up to 36 GiB and above. */
    double usable_share_small, usable_share_large;
    double launch_price_usd, typical_street_price_usd;
    const char *street_price_date, *street_price_source, *note;
};
bool catalog_gpus(const struct catalog *c, const struct gpu_part **out, size_t *count,
                  struct mu_err *err) NODISCARD;
/* memory_gib decides between cards of one name (the nearest wins), as does a size written behind the name ("RTX 3060 8GB").
 * NaN: not known; of several the first row, the commonest, and MATCH_SEVERAL. */
enum catalog_match catalog_gpu(const struct catalog *c, struct str name, double memory_gib,
                               const struct gpu_part **out);
/* Every row that carries a PCI id ("10de:2684"): how many, at most GPUS_OF_ID. Rows of the user's own that carry it are
 * the only ones then. */
enum { GPUS_OF_ID = 32 };
size_t catalog_gpu_pci(const struct catalog *c, struct str id,
                       const struct gpu_part *out[GPUS_OF_ID]);

/* What every accelerator of a maker has in common (data/accelerator_vendors.json). */
struct accelerator_vendor {
    const char *name, *vendor, *class_, *architecture, *source, *confidence;
    const char *backend;  /* of llama.cpp, what people run there; NULL: it has none */
    const char *platform; /* the only one it comes with, "Darwin"; NULL: any */
    double
        shared_share; /* of memory that the CPU and it share, what it may use unless told otherwise */
    double small_up_to_gib; /* its parts' usable_share_small holds up to so much memory */
    const char
        *guide_type; /* what the capability guide calls such a GPU; NULL: it does not see it */
    const char *guide_words; /* what it says of it; NULL: its cards, line by line */
    const char *limited_by;  /* what sets that share, in words */
    bool carve_out;          /* firmware may set memory aside for it */
};
/* The first row that fits a maker in any case ("NVIDIA"), a class and an architecture (NULL: not known); NULL when none does. */
const struct accelerator_vendor *catalog_accelerator_vendor(const struct catalog *c,
                                                            const char *vendor, const char *class_,
                                                            const char *architecture);

/* A machine for rent. Prices are of the whole instance, in USD an hour, as they were on price_date. */
struct cloud_part {
    const char *cpu; /* whose threads its vcpus are, by name in cpus.json; NULL: not known */
    const char *provider, *name, *gpu, *region, *price_date, *status, *source, *confidence, *note;
    const char *const *aliases;
    size_t alias_count;
    double vcpus, ram_gib, gpu_count, gpu_memory_gib, usd_per_hour, usd_per_hour_spot,
        usd_per_gpu_hour;
    bool price_verified;
    bool retired; /* cannot be rented any more: shown when asked for, never offered */
};
bool catalog_clouds(const struct catalog *c, const struct cloud_part **out, size_t *count,
                    struct mu_err *err) NODISCARD;
/* By name, by alias, or with the provider in front; NULL when unknown. */
const struct cloud_part *catalog_cloud(const struct catalog *c, struct str name);
