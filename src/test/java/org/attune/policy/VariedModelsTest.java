package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Logits;
import org.attune.model.pass.Recomputation;
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
import java.util.List;
import java.util.function.BiConsumer;

/// Models whose layers differ in the sizes of attention, in whose keys they attend to and in the
/// width of feed-forward parts. Some read a vector of each token, have experts beside a dense part,
/// or several copies of the residual stream.
class VariedModelsTest {
    private static final String SIZES =
            "\"vocab_size\":31,\"hidden_size\":16,\"tie_word_embeddings\":true,"
                    + "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"head_dim\":4,"
                    + "\"max_position_embeddings\":256,"
                    + "\"sliding_window\":7,\"rms_norm_eps\":1e-4,\"global_head_dim\":6";

    private static final String EXPERTS =
            ",\"enable_moe_block\":true,\"num_experts\":3,\"top_k_experts\":2,"
                    + "\"moe_intermediate_size\":5";

    /// @param types f and s for full attention and windows
    private static DecoderConfig model(String types, String more) {
        return model("gemma4_text", types, more);
    }

    private static DecoderConfig model(String family, String types, String more) {
        List<String> names =
                types.chars()
                        .mapToObj(c -> c == 'f' ? "\"full_attention\"" : "\"sliding_attention\"")
                        .toList();
        String pad = more.contains("pad_token_id") ? "" : ",\"pad_token_id\":null";
        String inner = more.contains("\"intermediate_size") ? "" : ",\"intermediate_size\":12";
        String rows = more.contains("vocab_size_per") ? "" : ",\"vocab_size_per_layer_input\":33";
        return StateModelsTest.read(
                family,
                SIZES + pad + inner + rows,
                "\"num_hidden_layers\":%d,\"layer_types\":[%s]%s"
                        .formatted(types.length(), String.join(",", names), more));
    }

    private static final List<DecoderConfig> MODELS =
            List.of(
                    model(
                            "sfsff",
                            ",\"num_kv_shared_layers\":3,\"use_double_wide_mlp\":true,"
                                    + "\"hidden_size_per_layer_input\":3"),
                    model(
                            "fsf",
                            ",\"num_kv_shared_layers\":1,\"attention_k_eq_v\":true,"
                                    + "\"num_global_key_value_heads\":1,"
                                    + "\"hidden_size_per_layer_input\":0"),
                    model("sf", ",\"hidden_size_per_layer_input\":2" + EXPERTS),
                    model(
                            "gemma3n_text",
                            "fsfs",
                            ",\"num_kv_shared_layers\":2,\"hidden_size_per_layer_input\":8,"
                                    + "\"altup_num_inputs\":3,\"altup_active_idx\":1,"
                                    + "\"laurel_rank\":2,\"intermediate_size\":[40,35,40,37],"
                                    + "\"activation_sparsity_pattern\":[0,0.3,0.2,0],"
                                    + "\"vocab_size_per_layer_input\":25"),
                    model(
                            "gemma3n_text",
                            "f",
                            ",\"num_kv_shared_layers\":0,\"hidden_size_per_layer_input\":3,"
                                    + "\"altup_num_inputs\":1,\"altup_correct_scale\":false,"
                                    + "\"laurel_rank\":2"));

    private static void each(BiConsumer<DecoderConfig, Decoder> check) {
        for (DecoderConfig config : MODELS) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                Decoder decoder = TinyModels.decoder(config)) {
                            check.accept(config, decoder);
                        }
                    });
        }
    }

    @Test
    void aSharedPromptEqualsSeparateSequences() {
        each(StateModelsTest::sharesPrompts);
    }

    @Tag("thorough")
    @Test
    void gradientsOfAllKindsOfWeightsEqualDifferences() {
        each(StateModelsTest::compareSlopes);
    }

    @Test
    void readingWithACacheGivesTheLogitsOfAPass() {
        each(StateModelsTest::readsWithCache);
    }

    @Test
    void aCacheTakesTheBytesThatArePlanned() {
        each(StateModelsTest::takesPlannedBytes);
    }

    /// Files hold experts together, so their names differ there.
    @Test
    void allWeightsAreWrittenAndNamed() {
        each(
                (config, decoder) -> {
                    if (config.block().feedForward().experts().isEmpty()) {
                        StateModelsTest.writesAllWeights(config, decoder);
                    }
                });
    }

    /// Of 2 and 2 heads of 4 and 6 numbers in the first two layers, which the others attend to.
    @Test
    void layersThatShareHaveNoCache() {
        long numbers = 2L * (2 * 4 + 2 * 6);
        assertEquals(4 * numbers * 5 * 3, KvCache.bytes(MODELS.get(0), DType.FLOAT32, 3, 5));
        long shared = 2L * (6 + 2 * 4);
        assertEquals(4 * shared * 5 * 3, KvCache.bytes(MODELS.get(1), DType.FLOAT32, 3, 5));
    }

    /// Whatever is computed again, and in whichever way.
    @Test
    void recomputationAndOrdinaryOperatorsChangeNothing() {
        each(
                (config, decoder) -> {
                    List<Tree.Piece> pieces = List.of(Adapted.piece(config, 4));
                    var kept = new Policy.Options(Recomputation.NONE, true, 5, false);
                    try (Policy policy = Outcome.lora(decoder, Outcome.allLinear(0.3), kept)) {
                        policy.startStep(1);
                        Outcome first = Outcome.of(policy, pieces);
                        policy.setOptions(kept.withRecomputed(Recomputation.ALL));
                        policy.startStep(1);
                        first.assertEqualTo("again", Outcome.of(policy, pieces), 0);
                    }
                });
    }

    /// Layer 2 attends to what layer 0 has, 3 and 4 to what layer 1 has: values of these alone
    /// move logits of a model whose own projections they don't have.
    @Test
    void keysOfASharingLayerInAFileAreNotRead() {
        DecoderConfig config = MODELS.getFirst();
        Engine.run(
                () -> {
                    MemoryTensorFile file = TinyModels.weights(config);
                    float[] logits = logits(config, file);
                    file.put("model.layers.2.self_attn.k_proj.weight", new float[8 * 16], 8, 16);
                    file.put("model.layers.4.self_attn.v_norm.weight", new float[6], 6);
                    assertTrue(Arrays.equals(logits, logits(config, file)));
                    file.put("model.layers.2.self_attn.x_proj.weight", new float[8 * 16], 8, 16);
                    var error = assertThrows(ModelException.class, () -> logits(config, file));
                    assertTrue(error.getMessage().contains("layers.2.self_attn.x_proj"));
                });
    }

    private static float[] logits(DecoderConfig config, MemoryTensorFile file) {
        int[] ids = TinyModels.tokens("read", config, 9);
        try (var _ = TensorScope.open("test");
                Decoder decoder = Decoder.load(config, file, Devices.usual(), DType.FLOAT32)) {
            Tensor z = Logits.of(decoder, RecordedModelsTest.layout(ids, 9), Adapter.OFF);
            return z.toFloats();
        }
    }

    /// No row of vectors of the padding token is learned where it is read.
    @Test
    void thePaddingTokensVectorsStay() {
        DecoderConfig config = model("sf", ",\"hidden_size_per_layer_input\":3,\"pad_token_id\":3");
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config);
                            Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                        var tree = new Tree();
                        tree.root(new int[] {5, 3, 7, 3, 9});
                        Outcome.of(policy, List.of(tree.shared(0)));
                        var table =
                                policy.parameters().parameters().stream()
                                        .filter(p -> p.name().contains("embed_tokens_per_layer"))
                                        .findFirst()
                                        .orElseThrow();
                        Tensor g = policy.parameters().gradient(table); // (33, 6)
                        assertEquals(0, g.select(0, 3).square().sum().item());
                        assertTrue(g.select(0, 7).square().sum().item() > 0);
                        assertEquals(0, g.select(0, 8).square().sum().item());
                    }
                });
    }
}
