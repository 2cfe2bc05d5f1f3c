package org.attune.testing;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.files.JsonFields;
import org.attune.model.config.Activation;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.BlockConfig;
import org.attune.model.config.ConfigJson;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.FeedForwardConfig;
import org.attune.model.config.MixersConfig;
import org.attune.model.config.NormConfig;
import org.attune.model.config.QkNorm;
import org.attune.model.config.RopeConfig;
import org.attune.model.config.ScoreKind;
import org.attune.model.config.SpecialIds;
import org.attune.model.config.TensorNames;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Device;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Small decoders with random weights, the same in every run: two blocks, 31 tokens.
public final class TinyModels {
    private static final long SEED = 20_240_607;

    private TinyModels() {}

    /// Grouped heads, no biases, separate output layer.
    public static DecoderConfig llama() {
        return config("llama", new AttentionConfig(4, 2, 8, false, false, false, all()), false);
    }

    /// The same with the embedding as output layer.
    public static DecoderConfig tiedLlama() {
        return config("llama", llama().attention(), true);
    }

    /// One key/value head a query head; a token sees `window` tokens in the first block.
    public static DecoderConfig mistral(int window) {
        var attention = new AttentionConfig(4, 4, 8, false, false, false, List.of(window, 0));
        return config("mistral", attention, false);
    }

    /// Biases on q, k and v.
    public static DecoderConfig qwen2() {
        return config("qwen2", new AttentionConfig(4, 1, 8, true, false, false, all()), false);
    }

    /// Norms of queries and keys, heads wider than their share, tied.
    public static DecoderConfig qwen3() {
        return config("qwen3", new AttentionConfig(6, 2, 10, false, false, true, all()), true);
    }

    /// Every optional part at once: biases everywhere, norms of queries and keys, windows.
    public static DecoderConfig everything() {
        var attention = new AttentionConfig(6, 3, 10, true, true, true, List.of(13, 7));
        return sized("qwen3", 32, 44, 31, 2, attention, true, false);
    }

    /// Heads of 32, which kernels take on any processor.
    public static DecoderConfig wideHeads() {
        return config("llama", new AttentionConfig(4, 2, 32, false, false, false, all()), false);
    }

    /// The same with every optional part.
    public static DecoderConfig wideHeadsWithEverything() {
        var attention = new AttentionConfig(6, 2, 32, true, true, true, List.of(13, 7));
        return sized("qwen3", 32, 44, 31, 2, attention, true, false);
    }

    /// Two of six experts and one that all tokens take, in both blocks.
    public static DecoderConfig mixture() {
        DecoderConfig plain = config("qwen2_moe", qwen2().attention(), false);
        var experts =
                new ExpertsConfig(
                        6,
                        2,
                        12,
                        ExpertsConfig.RouterConfig.softmax(true),
                        false,
                        Optional.empty(),
                        20,
                        Set.of(),
                        new ExpertsConfig.RouterLoss(true, 0.05, true),
                        false);
        return mixture("qwen2_moe", plain, 44, experts);
    }

    /// A model with these experts in place of the feed-forward parts of another.
    ///
    /// @param inner width inside of the parts of layers without experts
    public static DecoderConfig mixture(
            String family, DecoderConfig plain, int inner, ExpertsConfig experts) {
        return new DecoderConfig(
                family,
                plain.hiddenSize(),
                plain.vocabSize(),
                plain.layers(),
                new BlockConfig(
                        plain.block().order(),
                        plain.block().norm(),
                        plain.attention(),
                        new FeedForwardConfig(
                                inner, true, plain.activation(), false, Optional.of(experts))),
                plain.tieWordEmbeddings(),
                plain.positions(),
                plain.ends(),
                plain.maxPositionEmbeddings(),
                plain.dtype(),
                plain.special(),
                plain.labels(),
                plain.scoreKind(),
                plain.vision());
    }

    /// A Llama that sees tiles of 8 pixels, each 4 rows; the image token is 7.
    public static DecoderConfig seeing() {
        var json =
                JsonFields.of(
                        "tiny",
                        Map.of(
                                "model_type",
                                "idefics3",
                                "image_token_id",
                                7,
                                "text_config",
                                Map.of(
                                        "model_type", "llama",
                                        "hidden_size", 32,
                                        "intermediate_size", 44,
                                        "vocab_size", 31,
                                        "num_hidden_layers", 2,
                                        "num_attention_heads", 4,
                                        "num_key_value_heads", 2),
                                "vision_config",
                                Map.of(
                                        "hidden_size", 12,
                                        "intermediate_size", 20,
                                        "num_hidden_layers", 2,
                                        "num_attention_heads", 2,
                                        "image_size", 8,
                                        "patch_size", 2)));
        return ConfigJson.parse(json);
    }

    private static List<Integer> all() {
        return List.of(0, 0);
    }

    private static DecoderConfig config(String type, AttentionConfig attention, boolean tied) {
        return sized(type, 32, 44, 31, 2, attention, false, tied);
    }

    /// SmolLM2's shape with fewer blocks.
    public static DecoderConfig smol(int layers, int vocabulary) {
        var attention =
                new AttentionConfig(9, 3, 64, false, false, false, Collections.nCopies(layers, 0));
        return sized("llama", 576, 1536, vocabulary, layers, attention, false, true);
    }

    /// Any shape.
    ///
    /// @param width of the residual stream
    /// @param inner width of the feed-forward block
    public static DecoderConfig sized(
            String type,
            int width,
            int inner,
            int vocabulary,
            int layers,
            AttentionConfig attention,
            boolean mlpBias,
            boolean tied) {
        return new DecoderConfig(
                type,
                width,
                inner,
                vocabulary,
                layers,
                attention,
                mlpBias,
                Activation.SILU,
                1e-5,
                tied,
                RopeConfig.of(10_000),
                4096,
                DType.FLOAT32,
                new SpecialIds(OptionalInt.empty(), List.of(), OptionalInt.empty()));
    }

    /// A float32 decoder on [Devices#usual] with [#weights]; the caller closes it.
    public static Decoder decoder(DecoderConfig config) {
        return decoder(config, DType.FLOAT32);
    }

    /// A decoder on [Devices#usual] with [#weights]; the caller closes it.
    public static Decoder decoder(DecoderConfig config, DType dtype) {
        return decoder(config, dtype, Devices.usual());
    }

    /// A decoder with [#weights]; the caller closes it.
    public static Decoder decoder(DecoderConfig config, DType dtype, Device device) {
        return Decoder.load(config, weights(config), device, dtype);
    }

    /// Random weights. A tensor's values depend on its name and shape alone.
    public static MemoryTensorFile weights(DecoderConfig config) {
        var file = new MemoryTensorFile();
        int width = config.hiddenSize();
        TensorNames names = config.names();
        normal(file, names.embeddingPath() + ".weight", 1, config.vocabSize(), width);
        config.positionsPath()
                .ifPresent(
                        path ->
                                normal(
                                        file,
                                        path + ".weight",
                                        1,
                                        config.maxPositionEmbeddings(),
                                        width));
        for (int i = 0; i < config.layers(); i++) {
            block(file, config, i);
        }
        norm(file, config, names.finalNormPath(), width);
        config.vision().ifPresent(v -> TinyVision.put(file, v, width));
        if (config.scores()) {
            normal(file, "score.weight", 1 / Math.sqrt(width), config.labels(), width);
            if (config.scoreKind() == ScoreKind.TOKEN) {
                normal(file, "score.bias", 1, config.labels());
            }
        } else if (!config.tieWordEmbeddings()) {
            String head = names.head();
            normal(file, head + ".weight", 1 / Math.sqrt(width), config.vocabSize(), width);
        }
        if (config.ends().outputBias() && !config.scores()) {
            normal(file, names.head() + ".bias", 1, config.vocabSize());
        }
        return file;
    }

    private static void block(MemoryTensorFile file, DecoderConfig config, int layer) {
        String path = config.names().block(layer);
        int width = config.hiddenSize();
        int inner = config.block().feedForward().inner(layer);
        TensorNames names = config.names();
        names.norms().forEach(name -> norm(file, config, path + name, width));
        MixersConfig.Parts parts = config.parts(layer);
        if (parts.state()) {
            TinyStates.put(file, config, path);
        }
        if (config.variesAttention()) {
            TinyVaried.put(file, config, layer);
        } else if (parts.attention()) {
            attention(file, config, path);
        }
        TinyVaried.putEnd(file, config, layer);
        TinyVaried.putResidual(file, config, layer);
        if (!parts.feedForward()) {
            return;
        }
        Optional<ExpertsConfig> experts = config.block().feedForward().experts(layer);
        if (experts.isPresent()) {
            experts(file, names.experts().orElseThrow(), experts.get(), path, width);
        }
        if (!config.block().feedForward().isDense(layer)) {
            return;
        }
        if (names.transposed()) {
            names.up().forEach(up -> linear(file, config, path + up, inner, width));
            linear(file, config, path + names.down(), width, inner);
        } else {
            int rows = inner * config.block().feedForward().projectionsIn(names.up().size());
            names.up().forEach(up -> linear(file, path + up, rows, width, config.mlpBias()));
            linear(file, path + names.down(), width, inner, config.mlpBias());
        }
    }

    private static void attention(MemoryTensorFile file, DecoderConfig config, String path) {
        int width = config.hiddenSize();
        TensorNames names = config.names();
        AttentionConfig a = config.attention();
        if (a.latent().isPresent()) {
            AttentionConfig.Latent latent = a.latent().get();
            latent.linears(a.heads(), width)
                    .forEach(
                            (name, shape) ->
                                    linear(
                                            file,
                                            path + name,
                                            (int) shape[0],
                                            (int) shape[1],
                                            false));
            latent.norms().forEach((name, size) -> norm(file, path + name + ".weight", size));
            return;
        }
        int queries = a.heads() * a.headDim();
        int keys = a.kvHeads() * a.headDim();
        if (!names.innerNorms().isEmpty()) {
            norm(file, config, path + names.innerNorms().get(0), queries);
            norm(file, config, path + names.innerNorms().get(1), config.intermediateSize());
        }
        if (names.transposed()) {
            linear(file, config, path + names.qkv().getFirst(), queries + 2 * keys, width);
        } else if (names.qkv().size() == 1) {
            String qkv = path + names.qkv().getFirst();
            linear(file, qkv, queries + 2 * keys, width, a.qkvBias());
        } else {
            linear(file, path + names.qkv().get(0), a.projectedQueries(), width, a.qkvBias());
            linear(file, path + names.qkv().get(1), keys, width, a.qkvBias());
            linear(file, path + names.qkv().get(2), keys, width, a.qkvBias());
        }
        if (a.sinks()) {
            normal(file, path + "self_attn.sinks", 1, a.heads());
        }
        if (a.qkNorm() != QkNorm.NONE) {
            headNorms(file, config, path + names.qkNorms().get(0), a.heads());
            headNorms(file, config, path + names.qkNorms().get(1), a.kvHeads());
        }
        if (names.transposed()) {
            linear(file, config, path + names.output(), width, queries);
        } else {
            linear(file, path + names.output(), width, queries, a.outputBias());
        }
    }

    private static void headNorms(
            MemoryTensorFile file, DecoderConfig config, String path, int heads) {
        int size = config.headDim();
        switch (config.attention().qkNorm()) {
            case NONE, ROTATED_BARE -> {}
            case HEADS, ROTATED -> norm(file, config, path, size);
            case TOGETHER -> norm(file, config, path, heads * size);
            case EACH -> {
                if (path.endsWith(".norms")) { // StableLM's
                    for (int i = 0; i < heads; i++) {
                        norm(file, path + "." + i + ".weight", size);
                    }
                } else {
                    normal(file, path + ".weight", 1, heads, size);
                }
            }
        }
    }

    private static void experts(
            MemoryTensorFile file,
            TensorNames.Experts names,
            ExpertsConfig experts,
            String path,
            int width) {
        linear(file, path + names.router(), experts.count(), width, experts.router().biased());
        if (experts.router().corrected()) {
            normal(file, path + names.correction(), 0.3, experts.count());
        }
        for (int e = 0; e < experts.count(); e++) {
            String expert = path + names.list() + "." + e + ".";
            for (String up : names.up()) {
                linear(file, expert + up, experts.inner(), width, experts.biased());
            }
            linear(file, expert + names.down(), width, experts.inner(), experts.biased());
        }
        if (experts.shared() > 0) {
            TensorNames.Shared own = names.shared().orElseThrow();
            int rows = 2 / own.up().size() * experts.shared();
            String shared = path + own.path() + ".";
            own.up().forEach(up -> linear(file, shared + up, rows, width, experts.biased()));
            linear(file, shared + own.down(), width, experts.shared(), experts.biased());
            if (names.hasSharedGate()) {
                linear(file, path + own.gate(), 1, width, false);
            }
        }
    }

    /// One as GPT-2's files hold it, transposed and with a bias.
    private static void linear(
            MemoryTensorFile file, DecoderConfig config, String path, int out, int in) {
        linear(file, path, in, out, false);
        if (config.mlpBias()) {
            normal(file, path + ".bias", 0.3, out);
        }
    }

    static void linear(MemoryTensorFile file, String path, int out, int in, boolean hasBias) {
        normal(file, path + ".weight", 1 / Math.sqrt(in), out, in);
        if (hasBias) {
            normal(file, path + ".bias", 0.3, out);
        }
    }

    private static void norm(MemoryTensorFile file, DecoderConfig config, String path, int size) {
        if (!config.block().norm().isWeighted()) {
            return;
        }
        norm(file, path + ".weight", size);
        if (config.block().norm() instanceof NormConfig.Layer layer && layer.bias()) {
            normal(file, path + ".bias", 0.3, size);
        }
    }

    static void norm(MemoryTensorFile file, String name, int size) {
        float[] values = draw(name, 0.2, size);
        for (int i = 0; i < size; i++) {
            values[i] += 1;
        }
        file.put(name, values, size);
    }

    static void normal(MemoryTensorFile file, String name, double scale, long... shape) {
        int count = 1;
        for (long d : shape) {
            count = Math.multiplyExact(count, Math.toIntExact(d));
        }
        file.put(name, draw(name, scale, count), shape);
    }

    private static float[] draw(String name, double scale, int count) {
        var normal = ZigguratSampler.NormalizedGaussian.of(random(name));
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (scale * normal.sample());
        }
        return values;
    }

    /// Random numbers that depend on `name` alone.
    public static UniformRandomProvider random(String name) {
        return RandomSource.XO_RO_SHI_RO_128_PP.create(SEED ^ ((long) name.hashCode() << 20));
    }

    /// `count` random token ids of a model.
    public static int[] tokens(String name, DecoderConfig config, int count) {
        UniformRandomProvider random = random(name);
        int[] ids = new int[count];
        for (int i = 0; i < count; i++) {
            ids[i] = random.nextInt(config.vocabSize());
        }
        return ids;
    }
}
