package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.gguf.GgufFile;
import org.attune.model.config.GgufFamily.Part;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;

/// Writes a configuration as the metadata of a GGUF file, the reverse of [GgufConfig] by the same
/// rows of [GgufFamilies]. What they can't say, [#requireSaid] finds: it reads them again.
public final class GgufKeys {
    private final DecoderConfig config;
    private final DecoderFamily family;
    private final GgufFamily row;
    private final Map<String, Object> pairs = new LinkedHashMap<>();
    private final Map<String, double[]> vectors = new LinkedHashMap<>();
    private int context;

    /// @param where the model, for messages
    /// @throws ModelException if there is no architecture for models of its family
    public GgufKeys(DecoderConfig config, String where) {
        this.config = config;
        this.family = DecoderFamily.ofModelType(config.modelType(), where);
        String type = config.modelType();
        this.row =
                GgufFamilies.toWrite(type)
                        .orElseThrow(
                                () ->
                                        new ModelException(
                                                "%s: there are no GGUF files of %s models here; accepted: %s"
                                                        .formatted(
                                                                where,
                                                                type,
                                                                String.join(
                                                                        ", ",
                                                                        GgufFamilies.written()))));
        if (config.vision().isPresent()) {
            throw new ModelException(
                    where
                            + " sees pictures; GGUF files are written of models of text alone:"
                            + " write a folder (attune merge)");
        }
        if (config.scores()) {
            throw new ModelException(
                    where + " scores texts; GGUF files are written of models that predict tokens");
        }
        new GgufLimits(config, row.architecture()).require();
        this.context = config.maxPositionEmbeddings();
        pairs.put("general.architecture", architecture());
        put("block_count", config.layers());
        put("embedding_length", config.hiddenSize());
        put("vocab_size", config.vocabSize());
        norms();
        if (row.parts().contains(Part.MAMBA)) {
            put("attention.head_count", 0);
            put("feed_forward_length", 0);
        } else {
            attention();
            feedForward();
            if (family.names().positions().isEmpty()) {
                context =
                        Math.min(
                                context,
                                new GgufRopeKeys(config, family, this::put, vectors).put());
            }
        }
        row.keys().forEach(this::own);
        row.parts().forEach(this::part);
        put("context_length", context);
    }

    /// `general.architecture`.
    public String architecture() {
        boolean experts = config.block().feedForward().experts().isPresent();
        return row.architecture().equals("nemotron_h") && experts
                ? "nemotron_h_moe"
                : row.architecture();
    }

    /// The model as its files have it: some have the embedding twice, as output layer too.
    public static DecoderConfig filed(DecoderConfig config) {
        boolean twice =
                config.tieWordEmbeddings()
                        && GgufFamilies.toWrite(config.modelType())
                                .filter(row -> GgufLoads.hasOutputLayer(row.architecture()))
                                .isPresent();
        return twice ? config.withSeparateOutputLayer() : config;
    }

    /// Metadata of the architecture.
    public Map<String, Object> pairs() {
        return pairs;
    }

    /// Vectors that say how positions are rotated, by the tensors' names.
    public Map<String, double[]> vectors() {
        return vectors;
    }

    /// Tensors that the architecture's files have and those of others may not have.
    public Set<String> tensors() {
        return row.chosen();
    }

    /// Longest text for which the file computes what the model does.
    public int context() {
        return context;
    }

    private void put(String key, long value) {
        pairs.put(architecture() + "." + key, value);
    }

    private void put(String key, double value) {
        pairs.put(architecture() + "." + key, (float) value);
    }

    private void put(String key, boolean value) {
        pairs.put(architecture() + "." + key, value);
    }

    private void put(String key, Object value) {
        pairs.put(architecture() + "." + key, value);
    }

    private void put(String key, List<?> values) {
        pairs.put(architecture() + "." + key, List.copyOf(values));
    }

    private void norms() {
        boolean layer =
                family.norm().kind().apply(0.5) instanceof NormConfig.Layer
                        || row.parts().contains(Part.LAYER_NORM);
        boolean both = row.parts().contains(Part.ONE_PART);
        if (layer || both) {
            put("attention.layer_norm_epsilon", config.normEps());
        }
        if (!layer || both) {
            put("attention.layer_norm_rms_epsilon", config.normEps());
        }
    }

    private void attention() {
        AttentionConfig a = config.attention();
        put("attention.head_count", a.heads());
        boolean some =
                row.parts().contains(Part.SHORT_CONVOLUTION)
                        || row.parts().contains(Part.MAMBA_OR_ATTENTION)
                        || row.parts().contains(Part.ONE_PART);
        if (some) {
            put(
                    "attention.head_count_kv",
                    perLayer(layer -> config.parts(layer).attention() ? a.kvHeads() : 0));
        } else if (a.latent().isEmpty() && a.varied().isEmpty()) {
            put("attention.head_count_kv", a.kvHeads());
            put("attention.key_length", a.headDim());
            put("attention.value_length", a.headDim());
        }
        if (some) {
            put("attention.key_length", a.headDim());
            put("attention.value_length", a.headDim());
        }
        if (family.multiplies()) {
            put("attention.scale", a.scale());
        }
        windows(a.windows());
    }

    private List<Long> perLayer(IntToLongFunction value) {
        return IntStream.range(0, config.layers()).mapToObj(i -> value.applyAsLong(i)).toList();
    }

    /// An architecture that knows no windows computes the same as long as texts fit into one.
    private void windows(List<Integer> windows) {
        int tokens = windows.stream().mapToInt(Integer::intValue).max().orElse(0);
        switch (row.windows().rule()) {
            case NONE -> shorten(tokens);
            case ALL -> {
                shorten(tokens); // llama.cpp computes these without their windows
                if (tokens > 0) {
                    put("attention.sliding_window", tokens);
                }
            }
            case PATTERN -> {
                int known = row.windows().absent();
                if (family.window() == DecoderFamily.WindowRule.CHUNKED && tokens != known) {
                    shorten(tokens == 0 ? known : Math.min(tokens, known));
                } else if (tokens > 0 || GgufLoads.saysWindow(row.architecture())) {
                    put("attention.sliding_window", tokens > 0 ? tokens : context);
                }
            }
        }
    }

    private void shorten(int window) {
        if (window > 0) {
            context = Math.min(context, window);
        }
    }

    private void feedForward() {
        FeedForwardConfig f = config.block().feedForward();
        if (row.parts().contains(Part.ONE_PART)) {
            put(
                    "feed_forward_length",
                    perLayer(layer -> config.parts(layer).feedForward() ? f.inner() : 0));
        } else if (!row.parts().contains(Part.VARIED)) {
            boolean experts = row.parts().contains(Part.MAMBA_OR_ATTENTION);
            put(
                    "feed_forward_length",
                    experts ? f.experts().map(ExpertsConfig::inner).orElse(f.inner()) : f.inner());
        }
        f.experts().ifPresent(this::experts);
    }

    private void experts(ExpertsConfig e) {
        put("expert_count", e.count());
        put("expert_used_count", e.chosen());
        put("expert_feed_forward_length", e.inner());
        if (e.shared() > 0) {
            put("expert_shared_feed_forward_length", e.shared());
            put("expert_shared_count", Math.max(1, e.shared() / e.inner()));
        }
    }

    /// A key that both files have.
    private void own(GgufFamily.Key key) {
        switch (key.kind()) {
            case INTEGER -> put(key.gguf(), (long) value(key.json()));
            case NUMBER, FACTOR -> {
                double value = value(key.json());
                if (value != 0) {
                    put(key.gguf(), value);
                }
            }
            case FLAG -> put(key.gguf(), value(key.json()) != 0);
        }
    }

    private double value(String json) {
        var router = config.block().feedForward().experts().map(ExpertsConfig::router);
        return switch (json) {
            case "attn_logit_softcapping" -> config.attention().softcap();
            case "final_logit_softcapping" -> config.ends().softcap();
            case "use_parallel_residual" -> config.block().order().isParallel() ? 1 : 0;
            case "logit_scale" -> config.ends().logitScale();
            case "embedding_multiplier" -> config.ends().embeddingScale();
            case "residual_multiplier" -> config.block().residualScale();
            case "logits_scaling" -> 1 / config.ends().logitScale();
            case "first_k_dense_replace", "num_dense_layers", "moe_layer_start_index" -> leading();
            case "moe_layer_interval" -> interval();
            case "interleave_moe_layer_step" -> leading() + 1;
            case "intermediate_size_mlp" -> config.block().feedForward().inner();
            case "n_group" -> router.map(r -> r.groups()).orElse(1);
            case "topk_group" -> router.map(r -> r.chosenGroups()).orElse(1);
            case "norm_topk_prob" -> router.map(r -> r.weights().renormalised() ? 1 : 0).orElse(0);
            case "routed_scaling_factor" -> router.map(r -> r.weights().scale()).orElse(1.0);
            default -> throw new IllegalStateException(json + " is in no configuration here");
        };
    }

    /// Layers before the first one with experts.
    private int leading() {
        FeedForwardConfig f = config.block().feedForward();
        return (int)
                IntStream.range(0, config.layers())
                        .takeWhile(layer -> f.experts(layer).isEmpty())
                        .count();
    }

    /// Layers from one with experts to the next.
    private int interval() {
        FeedForwardConfig f = config.block().feedForward();
        int[] some =
                IntStream.range(0, config.layers())
                        .filter(layer -> f.experts(layer).isPresent())
                        .toArray();
        return some.length < 2 ? 1 : some[1] - some[0];
    }

    private void part(Part part) {
        switch (part) {
            case LATENT -> latent(config.attention().latent().orElseThrow());
            case SHORT_CONVOLUTION -> put("shortconv.l_cache", state().taps());
            case CHANNEL_DELTA -> channelDelta((StateConfig.ChannelDelta) state());
            case GATED_DELTA -> delta((StateConfig.GatedDelta) state());
            case MAMBA, MAMBA_BESIDE, ONE_PART -> mamba();
            case MAMBA_OR_ATTENTION -> {
                mamba();
                put("rope.scaling.finetuned", config.rotates());
            }
            case GROWTH ->
                    config.rope()
                            .growth()
                            .ifPresent(
                                    g -> {
                                        put("attention.temperature_scale", g.beta());
                                        put("rope.scaling.original_context_length", g.length());
                                    });
            case SIGMOID -> put("expert_gating_func", 2);
            case ONE_NORM -> put("use_parallel_residual", config.block().order().isParallel());
            case VARIED -> new GgufVariedKeys(config, this::put).put();
            case LARGEST_SCALE, LAYER_NORM, ROTATES, BARE_NORMS -> {}
        }
    }

    private StateConfig state() {
        return config.block().mixers().state().orElseThrow();
    }

    private void latent(AttentionConfig.Latent l) {
        boolean together = row.chosen().contains("attn_kv_b.weight");
        int keys = l.still() + l.rotated();
        put("attention.kv_lora_rank", l.rank());
        l.queryRank().ifPresent(rank -> put("attention.q_lora_rank", rank));
        if (together) {
            put("attention.head_count_kv", config.heads());
            put("attention.key_length", keys);
            put("attention.value_length", l.valueDim());
        } else { // keys and values as one vector of all heads
            put("attention.head_count_kv", 1);
            put("attention.key_length", l.rank() + l.rotated());
            put("attention.value_length", l.rank());
            put("attention.key_length_mla", keys);
            put("attention.value_length_mla", l.valueDim());
        }
    }

    private void delta(StateConfig.GatedDelta d) {
        put("ssm.conv_kernel", d.taps());
        put("ssm.state_size", d.keyDim());
        put("ssm.group_count", d.keyHeads());
        put("ssm.time_step_rank", d.heads());
        put("ssm.inner_size", d.values());
        int first =
                IntStream.range(0, config.layers())
                        .filter(layer -> config.parts(layer).attention())
                        .findFirst()
                        .orElse(config.layers());
        put("full_attention_interval", first + 1);
        if (row.architecture().startsWith("qwen35")) {
            int pairsOfHead = config.rope().rotaryDim(config.headDim()) / 2;
            long time = Math.ceilDiv(pairsOfHead, 3); // a text's positions are alike in all
            long height = Math.ceilDiv(pairsOfHead - time, 2);
            put("rope.dimension_sections", List.of(time, height, pairsOfHead - time - height, 0L));
        }
    }

    private void channelDelta(StateConfig.ChannelDelta d) {
        put("ssm.conv_kernel", d.taps());
        put("kda.head_dim", d.size());
        put("rope.dimension_count", config.attention().latent().orElseThrow().rotated());
        put("attention.head_count_kv", perLayer(layer -> config.parts(layer).attention() ? 1 : 0));
    }

    private void mamba() {
        var m = (StateConfig.Mamba2) state();
        put("ssm.conv_kernel", m.taps());
        put("ssm.inner_size", m.inner());
        put("ssm.state_size", m.stateDim());
        put("ssm.time_step_rank", m.heads());
        put("ssm.group_count", m.groups());
    }

    /// Reads the file's configuration again and compares it.
    ///
    /// @throws ModelException naming what the file can't say
    public void requireSaid(GgufFile file) {
        List<String> others = new GgufAgreement(config, DecoderConfig.of(file), context).others();
        if (!others.isEmpty()) {
            throw new ModelException(
                    "GGUF files of %s can't say of this %s model: %s. Nothing is written; use the Hugging Face folder"
                            .formatted(
                                    architecture(), config.modelType(), String.join("; ", others)));
        }
    }
}
