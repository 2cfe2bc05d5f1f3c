package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.Set;
import java.util.stream.IntStream;

/// What the reader here would find in a file, and llama.cpp wouldn't: it goes by the architecture
/// and the number of layers.
///
/// @param config       of a model that is to be written
/// @param architecture of the file
record GgufLimits(DecoderConfig config, String architecture) {
    private static final int LARGE = 64; // layers by which llama.cpp knows the largest models

    /// @throws ModelException naming what llama.cpp doesn't know
    void require() {
        AttentionConfig a = config.attention();
        loads();
        boolean square = (long) a.heads() * a.headDim() == config.hiddenSize();
        boolean large = config.layers() == LARGE;
        boolean windows = a.windows().stream().anyMatch(w -> w > 0);
        refuse(a.clip() > 0, ConfigJson.CLIP);
        switch (architecture) {
            case "chatglm", "nemotron" ->
                    refuse(!square, "heads that together aren't as wide as hidden_size");
            case "command-r" -> {
                boolean normed = a.qkNorm() != QkNorm.NONE;
                refuse(normed && config.layers() < LARGE, "use_qk_norm in fewer than 64 layers");
                refuseOutputLayer();
            }
            case "cohere2" -> {
                refuse(!square, "heads that together aren't as wide as hidden_size");
                refuseOutputLayer();
            }
            case "gemma", "gemma2" -> refuseOutputLayer();
            case "deepseek2" ->
                    refuse(scaledAlone(), "positions scaled without mscale_all_dim (rope_type)");
            case "dots1", "olmoe" ->
                    refuse(a.kvHeads() != a.heads(), "fewer key heads than query heads");
            case "ernie4_5-moe" ->
                    refuse(denseBehind(), "layers without experts behind the first with some");
            case "exaone4" ->
                    refuse(windows && !large, "windows (sliding_window) in other than 64 layers");
            case "gemma4" -> {
                varied(a);
                refuse(!windows, "no layer that has a window (layer_types)");
            }
            case "gemma3n" -> {
                varied(a);
                copies();
            }
            case "granitehybrid", "lfm2", "lfm2moe" -> hybrid();
            case "kimi-linear" -> kimi(a);
            case "phi2" ->
                    refuse(a.qkNorm() != QkNorm.NONE, "norms of queries and keys (qk_layernorm)");
            case "qwen2moe", "qwen3moe" -> experts();
            case "qwen35", "qwen35moe", "qwen3next" -> {
                hybrid();
                experts();
            }
            default -> {}
        }
    }

    /// Tensors that it takes or needs.
    private void loads() {
        GgufLoads.of(architecture).ifPresent(this::loads);
    }

    private void loads(GgufLoads row) {
        Set<GgufLoads.Trait> own = GgufLoads.of(config);
        for (GgufLoads.Trait trait : GgufLoads.Trait.values()) {
            boolean has = own.contains(trait);
            refuse(has && !row.takes().contains(trait), trait.words);
            refuse(!has && row.needs().contains(trait), "no " + trait.words);
        }
    }

    /// llama.cpp changes the scale of scores with the positions'.
    private boolean scaledAlone() {
        boolean same =
                SameNumbers.close(config.attention().scale(), 1 / Math.sqrt(config.headDim()));
        RopeScaling scaling = config.rope().scaling();
        return scaling instanceof RopeScaling.Linear || scaling instanceof RopeScaling.Yarn && same;
    }

    private void experts() {
        var experts = config.block().feedForward().experts();
        boolean dense = experts.filter(e -> !e.dense().isEmpty()).isPresent();
        refuse(dense, "layers without experts (mlp_only_layers)");
    }

    private boolean denseBehind() {
        FeedForwardConfig f = config.block().feedForward();
        return IntStream.range(1, config.layers())
                .anyMatch(i -> f.experts(i).isEmpty() && f.experts(i - 1).isPresent());
    }

    /// llama.cpp ends its process where all layers are of one kind.
    private void hybrid() {
        long attention =
                IntStream.range(0, config.layers())
                        .filter(i -> config.parts(i).attention())
                        .count();
        refuse(attention == config.layers(), "attention in all layers (layer_types)");
        refuse(attention == 0, "attention in no layer (layer_types)");
    }

    private void kimi(AttentionConfig a) {
        hybrid();
        boolean biases = a.qkvBias() || a.outputBias();
        refuse(biases, "biases of latent attention (attention_bias)");
        BlockConfig b = config.block();
        refuse(a.latent().isEmpty(), "a model without a layer of full attention");
        refuse(a.latent().get().queryRank().isPresent(), "q_lora_rank");
        var delta = (StateConfig.ChannelDelta) b.mixers().state().orElseThrow();
        refuse(delta.heads() != a.heads(), "other than num_attention_heads in linear_num_heads");
        refuse(config.tieWordEmbeddings(), "an output layer that is the embedding");
        boolean shares = b.feedForward().experts().orElseThrow().router().weights().renormalised();
        refuse(!shares, "moe_renormalize false");
    }

    private void varied(AttentionConfig a) {
        refuse(a.qkvBias() || a.outputBias(), "biases of attention");
        refuse(
                !GgufVaried.sharesAsLlamaCpp(
                        a.windows().stream().map(w -> w > 0).toList(),
                        config.layers() - GgufVariedKeys.shared(a)),
                "shared keys (num_kv_shared_layers) of another layer than the last with keys and a"
                        + " window, and the last with keys and none");
    }

    /// Numbers of Gemma 3n that llama.cpp has in its code.
    private void copies() {
        BlockConfig b = config.block();
        BlockConfig.Copies c = b.residual().copies().orElseThrow();
        int shared = GgufVariedKeys.shared(b.attention());
        refuse(
                shared != Math.max(0, config.layers() - GgufVaried.FIRST_SHARED),
                "num_kv_shared_layers " + shared + " of " + config.layers() + " layers");
        refuse(
                c.count() != 4 || c.active() != 0,
                "other than 4 altup_num_inputs, the first active");
        refuse(!c.scaled(), "altup_correct_scale false");
        refuse(b.residual().rank() != 64, "laurel_rank " + b.residual().rank());
        refuse(
                b.end().width() != GgufVaried.ABSENT_WIDTH,
                "hidden_size_per_layer_input " + b.end().width());
        refuse(config.ends().softcap() != 30, "another final_logit_softcapping than 30");
        FeedForwardConfig f = b.feedForward();
        for (int layer = 0; layer < config.layers(); layer++) {
            refuse(f.inner(layer) != f.inner(0), "several widths in intermediate_size");
            refuse(
                    f.closed(layer) != GgufVaried.closed(layer),
                    "another activation_sparsity_pattern than 0.95 in ten layers");
        }
    }

    private void refuseOutputLayer() {
        refuse(!config.tieWordEmbeddings(), "an output layer that isn't the embedding");
    }

    private void refuse(boolean unlike, String what) {
        if (unlike) {
            throw new ModelException(
                    "llama.cpp knows no %s with %s; use the Hugging Face folder"
                            .formatted(architecture, what));
        }
    }
}
