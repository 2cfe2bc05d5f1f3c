package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.model.config.ConfigJson;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.ModulePaths;
import org.attune.model.layer.Weight;
import org.attune.model.pass.Logits;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.MemoryTensorFile;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Models whose layers keep a state: trained in a forest, and read with a cache.
class StateModelsTest {
    private static final String ENDS =
            "\"vocab_size\":31,\"hidden_size\":16,\"num_hidden_layers\":2,\"tie_word_embeddings\":true,\"pad_token_id\":null";

    private static final String HEADS =
            ENDS
                    + ",\"num_attention_heads\":2,\"num_key_value_heads\":1,\"head_dim\":8"
                    + ",\"intermediate_size\":20,\"max_position_embeddings\":256";

    static DecoderConfig read(String type, String ends, String more) {
        String text = "{\"model_type\":\"%s\",%s,%s}".formatted(type, ends, more);
        return ConfigJson.parse(JsonFields.parse("test", text));
    }

    /// Options that the recorded models don't have.
    static final List<DecoderConfig> MODELS =
            List.of(
                    read(
                            "lfm2",
                            HEADS,
                            "\"full_attn_idxs\":[1],\"conv_L_cache\":4,\"conv_bias\":true"),
                    read("lfm2", HEADS, "\"full_attn_idxs\":[],\"conv_L_cache\":1"),
                    read(
                            "qwen3_5_text",
                            HEADS,
                            "\"full_attention_interval\":2,\"linear_num_key_heads\":1,"
                                    + "\"linear_num_value_heads\":3,\"linear_key_head_dim\":4,"
                                    + "\"linear_value_head_dim\":6,\"linear_conv_kernel_dim\":2,"
                                    + "\"attention_bias\":true"),
                    read(
                            "mamba2",
                            ENDS,
                            "\"num_heads\":4,\"head_dim\":8,\"n_groups\":4,\"state_size\":3,"
                                    + "\"use_bias\":true,\"use_conv_bias\":false,"
                                    + "\"time_step_limit\":[0.3,1.5]"),
                    read(
                            "granitemoehybrid",
                            HEADS,
                            "\"layer_types\":[\"mamba\",\"attention\"],\"num_local_experts\":0,"
                                    + "\"shared_intermediate_size\":12,\"mamba_n_heads\":4,"
                                    + "\"mamba_d_state\":3,\"position_embedding_type\":\"rope\","
                                    + "\"residual_multiplier\":0.5"),
                    read(
                            "nemotron_h",
                            HEADS,
                            "\"hybrid_override_pattern\":\"M-*\",\"mamba_num_heads\":2,"
                                    + "\"mamba_head_dim\":6,\"n_groups\":1,\"ssm_state_size\":4,"
                                    + "\"time_step_min\":0.2"),
                    read(
                            "kimi_linear",
                            HEADS,
                            "\"linear_attn_config\":{\"full_attn_layers\":[2],"
                                    + "\"kda_layers\":[1],\"head_dim\":6,\"num_heads\":3},"
                                    + "\"kv_lora_rank\":8,\"qk_nope_head_dim\":4,"
                                    + "\"qk_rope_head_dim\":2,\"v_head_dim\":6,"
                                    + "\"num_experts\":4,\"moe_intermediate_size\":12,"
                                    + "\"num_experts_per_token\":2"),
                    falcon("\"mamba_rms_norm\":true,\"mamba_norm_before_gate\":false"),
                    falcon("\"mamba_rms_norm\":true,\"mlp_multipliers\":[0.5,2]"));

    private static DecoderConfig falcon(String more) {
        return read(
                "falcon_h1",
                HEADS,
                "\"mamba_d_ssm\":12,\"mamba_n_heads\":2,\"mamba_d_head\":6,\"mamba_n_groups\":2,"
                        + "\"mamba_d_state\":5,\"key_multiplier\":0.7,\"ssm_in_multiplier\":1.5,"
                        + "\"attention_in_multiplier\":1.2,\"attention_out_multiplier\":0.9,"
                        + more);
    }

    private interface Check {
        void of(DecoderConfig config, Decoder decoder);
    }

    private static void each(Check check) {
        for (DecoderConfig config : MODELS) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                Decoder decoder = TinyModels.decoder(config)) {
                            check.of(config, decoder);
                        }
                    });
        }
    }

    /// Texts of more than a chunk, of which several begin alike.
    private static Tree tree(DecoderConfig config) {
        var tree = new Tree();
        tree.root(TinyModels.tokens("prompt", config, 67));
        tree.child(0, TinyModels.tokens("five", config, 5));
        tree.child(0, TinyModels.tokens("long", config, 70));
        tree.child(1, TinyModels.tokens("grandchild", config, 3));
        tree.root(TinyModels.tokens("other", config, 9));
        return tree;
    }

    /// Weights of the base model, and adapters on all linear layers.
    @Test
    void aSharedPromptEqualsSeparateSequences() {
        each(StateModelsTest::sharesPrompts);
    }

    /// A forest and its sequences one by one give the same numbers.
    static void sharesPrompts(DecoderConfig config, Decoder decoder) {
        Tree tree = tree(config);
        try (Policy adapted = Outcome.lora(decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
            compare(config, tree, adapted);
        }
        try (Decoder other = TinyModels.decoder(config);
                Policy whole = Policy.withAllWeights(other, Outcome.DEFAULT)) {
            compare(config, tree, whole);
        }
    }

    private static void compare(DecoderConfig config, Tree tree, Policy policy) {
        Outcome.of(policy, tree.separate(3, 2, 4))
                .assertEqualTo(
                        config.modelType(),
                        Outcome.of(policy, List.of(tree.shared(0, 1, 2, 3, 4))),
                        3e-4);
    }

    @Tag("thorough")
    @Test
    void gradientsOfAllKindsOfWeightsEqualDifferences() {
        each(StateModelsTest::compareSlopes);
    }

    /// Gradients of one weight of each kind against central differences.
    static void compareSlopes(DecoderConfig config, Decoder decoder) {
        Tree.Piece piece = tree(config).shared(0, 1, 3, 4);
        try (Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
            float[] gradients = Outcome.of(policy, List.of(piece)).gradients();
            int from = 0;
            Set<String> seen = new HashSet<>();
            for (ParameterSpace.Parameter p : policy.parameters().parameters()) {
                int size = 1;
                for (long n : p.shape()) {
                    size *= (int) n;
                }
                if (seen.add(p.name().replaceAll("[0-9]", ""))) {
                    compareSlope(policy, piece, p, from, size, gradients);
                }
                from += size;
            }
        }
    }

    private static void compareSlope(
            Policy policy,
            Tree.Piece piece,
            ParameterSpace.Parameter p,
            int from,
            int size,
            float[] gradients) {
        var random = TinyModels.random(p.name());
        float[] direction = new float[size];
        double wanted = 0;
        for (int i = 0; i < size; i++) {
            direction[i] = (float) ((2 * random.nextDouble() - 1) / Math.sqrt(size));
            wanted += direction[i] * gradients[from + i];
        }
        double slope = slope(policy, piece, from, direction, 1e-2);
        double near = slope(policy, piece, from, direction, 5e-3);
        assertClose(p.name(), (4 * near - slope) / 3, wanted, 3e-4, 5e-2);
    }

    private static double slope(
            Policy policy, Tree.Piece piece, int from, float[] direction, double h) {
        double[] losses = new double[2];
        Tensor values = policy.parameters().values().narrow(0, from, direction.length);
        Tensor before = values.copy();
        for (int side = 0; side < 2; side++) {
            Tensor step = Tensor.of(before.device(), direction, direction.length);
            values.copyInPlace(before.add(step.mul(side == 0 ? h : -h)));
            policy.parameters().valuesChanged();
            losses[side] = Outcome.of(policy, List.of(piece)).loss();
        }
        values.copyInPlace(before);
        policy.parameters().valuesChanged();
        return (losses[0] - losses[1]) / (2 * h);
    }

    /// In pieces, one token at a time, and beside sequences of other lengths.
    @Test
    void readingWithACacheGivesTheLogitsOfAPass() {
        each(StateModelsTest::readsWithCache);
    }

    /// Pieces of several sequences in a cache give the logits of a pass.
    static void readsWithCache(DecoderConfig config, Decoder decoder) {
        readsWithCache(config, decoder, Adapter.OFF);
    }

    static void readsWithCache(DecoderConfig config, Decoder decoder, Adapter adapter) {
        int[] ids = TinyModels.tokens("read", config, 80);
        TokenForest text = RecordedModelsTest.rows(ids, ids.length).whole();
        TokenForest rows = FrozenPass.rows(decoder, adapter, text, false);
        Tensor logits = // (80, V)
                Logits.of(decoder, Policy.layout(rows), adapter)
                        .narrow(0, rows.size() - ids.length, ids.length);
        try (var cache = new KvCache(decoder, 4, 90)) {
            var cached = new CachedDecoder(decoder, adapter);
            cached.read(cache, tokens(ids, 2, 0, 1));
            Tensor next = cached.read(cache, tokens(ids, 2, 1, 4, 0, 0, 2));
            assertRow(config, logits, 3, next, 0);
            assertRow(config, logits, 1, next, 1);
            cache.copy(2, 3, 4); // with its state
            next = cached.read(cache, tokens(ids, 3, 4, 75, 0, 2, 7));
            assertRow(config, logits, 74, next, 0);
            assertRow(config, logits, 6, next, 1);
            cache.truncate(2, 0);
            cached.read(cache, tokens(ids, 2, 0, 75));
            next = cached.decode(cache, new int[] {2, 0, 3}, new int[] {ids[75], ids[7], ids[75]});
            assertRow(config, logits, 75, next, 0);
            assertRow(config, logits, 7, next, 1);
            assertRow(config, logits, 75, next, 2);
        }
    }

    /// @param more slot, first and last token of each, three numbers
    private static List<NewTokens> tokens(int[] ids, int... more) {
        NewTokens[] all = new NewTokens[more.length / 3];
        for (int i = 0; i < all.length; i++) {
            all[i] =
                    new NewTokens(
                            more[3 * i], Arrays.copyOfRange(ids, more[3 * i + 1], more[3 * i + 2]));
        }
        return List.of(all);
    }

    private static void assertRow(
            DecoderConfig config, Tensor logits, int row, Tensor next, int slot) {
        float[] expected = logits.select(0, row).contiguous().toFloats();
        float[] got = next.select(0, slot).to(DType.FLOAT32).contiguous().toFloats();
        assertClose(config.modelType() + " " + row, expected, got, 1e-4, 1e-4);
    }

    @Test
    void aStateIsNotCut() {
        each(
                (config, decoder) -> {
                    int[] ids = TinyModels.tokens("cut", config, 12);
                    try (var cache = new KvCache(decoder, 2, 12)) {
                        new CachedDecoder(decoder, Adapter.OFF)
                                .prefill(cache, 0, Arrays.copyOf(ids, 5));
                        assertFalse(cache.mayCut());
                        assertTrue(cache.mayCut(0, 5));
                        assertEquals(5, cache.reusable(0, ids));
                        assertEquals(0, cache.reusable(0, Arrays.copyOf(ids, 5)));
                        var error =
                                assertThrows(
                                        IllegalArgumentException.class, () -> cache.truncate(0, 4));
                        assertTrue(error.getMessage().contains("read the sequence again"));
                        assertThrows(IllegalArgumentException.class, () -> cache.copy(0, 1, 1, 3));
                        assertEquals(5, cache.length(0));
                    }
                });
    }

    @Test
    void aCacheTakesTheBytesThatArePlanned() {
        each(StateModelsTest::takesPlannedBytes);
    }

    /// A cache takes what [KvCache#bytes] says.
    static void takesPlannedBytes(DecoderConfig config, Decoder decoder) {
        long before = TensorScope.liveBytes();
        try (var _ = new KvCache(decoder, 3, 40)) {
            assertEquals(
                    KvCache.bytes(config, DType.FLOAT32, 3, 40), TensorScope.liveBytes() - before);
        }
    }

    /// Merged models have all tensors, and the modules are those that the weights have.
    @Test
    void allWeightsAreWrittenAndNamed() {
        each(StateModelsTest::writesAllWeights);
    }

    /// A merged model has all tensors, and [ModulePaths] all modules.
    static void writesAllWeights(DecoderConfig config, Decoder decoder) {
        Set<String> written = new HashSet<>();
        new MergedWeights(decoder, Optional.empty())
                .sources(DType.FLOAT32)
                .forEach(s -> written.add(s.name()));
        Set<String> inFiles = new HashSet<>();
        TinyModels.weights(config)
                .entries()
                .keySet()
                .forEach(name -> inFiles.add(config.names().inFile(name)));
        assertEquals(inFiles, written);
        Set<String> linears = new HashSet<>();
        decoder.linears().forEach(l -> l.parts().forEach(p -> linears.add(p.path())));
        ModulePaths paths = ModulePaths.of(config);
        linears.add(paths.output());
        assertEquals(linears, paths.linears().keySet());
        for (Weight weight : decoder.others()) {
            boolean isModule = weight.name().matches(".*\\.(weight|bias)");
            assertEquals(isModule, paths.whole().contains(weight.module()));
        }
    }

    /// A file under the names that files have is the same model.
    @Test
    void filesMayCallTensorsOtherwise() {
        DecoderConfig config =
                MODELS.stream()
                        .filter(c -> !c.names().inFiles().isEmpty())
                        .findFirst()
                        .orElseThrow();
        MemoryTensorFile modules = TinyModels.weights(config);
        var files = new MemoryTensorFile();
        modules.entries()
                .forEach(
                        (name, entry) -> {
                            String dense = // as transformers writes it
                                    name.replaceAll("mlp.(\\w+_proj)", "block_sparse_moe.$1");
                            files.put(
                                    config.names().inFile(dense),
                                    modules.values(name),
                                    entry.shape());
                        });
        assertFalse(files.entries().containsKey("model.layers.0.mlp.gate_proj.weight"));
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder one = TinyModels.decoder(config);
                            Decoder two =
                                    Decoder.load(config, files, Devices.usual(), DType.FLOAT32)) {
                        int[] ids = TinyModels.tokens("read", config, 9);
                        var layout = RecordedModelsTest.layout(ids, ids.length);
                        assertArrayEquals(
                                Logits.of(one, layout, Adapter.OFF).toFloats(),
                                Logits.of(two, layout, Adapter.OFF).toFloats());
                    }
                });
    }

    @Test
    void onlookersAreRefused() {
        DecoderConfig config = MODELS.getFirst();
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config);
                            Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                        var builder = TokenForest.builder();
                        int root = builder.root(TinyModels.tokens("seen", config, 4));
                        builder.score(builder.onlooker(root, 1, 0), 0);
                        var error =
                                assertThrows(
                                        ModelException.class,
                                        () -> policy.evaluate(builder.build(), HeadRequest.of()));
                        assertTrue(error.getMessage().contains("layers with a state"));
                    }
                });
    }
}
