package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.files.JsonFields;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.ConfigJson;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.OperatorTimes;
import org.attune.tensor.TensorScope;
import org.attune.testing.Hardware;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// New tokens of many sequences by one kernel for all blocks, against one call after the other.
class TokenPassTest {
    private static final int VOCABULARY = 64;
    private static final int[] COUNTS = {1, 7, 8, 33}; // of sequences
    private static final int STEPS = 6;
    private static final double TOLERANCE = 0.03; // of the largest logit

    @BeforeEach
    void needsTiles() {
        Hardware.requireProcessor();
        Hardware.requireBfloat16Products();
    }

    private static DecoderConfig shape(boolean everything) {
        var attention =
                everything
                        ? new AttentionConfig(6, 2, 32, true, true, true, List.of(13, 7, 0))
                        : new AttentionConfig(4, 1, 64, false, false, false, List.of(0, 0, 0));
        return TinyModels.sized(
                everything ? "qwen3" : "llama",
                96,
                everything ? 160 : 128, // panels of 32 and of 64 rows; of 48 where the width counts
                VOCABULARY,
                3,
                attention,
                everything,
                true);
    }

    /// Logits of each step for each sequence, the prompts of different lengths.
    private static List<float[]> decode(Decoder decoder, Adapter adapter, int sequences) {
        List<float[]> logits = new ArrayList<>();
        try (var cache = new KvCache(decoder, sequences, 40);
                var _ = TensorScope.open("test")) {
            var cached = new CachedDecoder(decoder, adapter);
            for (int i = 0; i < sequences; i++) {
                int first = i / 4;
                int[] prompt =
                        IntStream.range(0, 3 + i % 9)
                                .map(k -> (k * 7 + first) % VOCABULARY)
                                .toArray();
                cached.prefill(cache, i, prompt);
            }
            for (int step = 0; step < STEPS; step++) {
                int t = step;
                int[] ids =
                        IntStream.range(0, sequences).map(i -> (i * 5 + t) % VOCABULARY).toArray();
                logits.add(cached.decode(cache, ids).toFloats());
            }
        }
        return logits;
    }

    private static double distance(List<float[]> a, List<float[]> b) {
        double largest = 0;
        double worst = 0;
        for (int step = 0; step < a.size(); step++) {
            for (int i = 0; i < a.get(step).length; i++) {
                largest = Math.max(largest, Math.abs(a.get(step)[i]));
                double error = Math.abs(a.get(step)[i] - b.get(step)[i]);
                worst = Math.max(worst, Double.isNaN(error) ? Double.POSITIVE_INFINITY : error);
            }
        }
        return worst / largest;
    }

    private static void close(List<float[]> expected, List<float[]> actual) {
        double d = distance(expected, actual);
        assertTrue(d < TOLERANCE, "wrong by " + d + " of the largest");
    }

    private static boolean usesKernel(Decoder decoder, Adapter adapter) {
        OperatorTimes.start();
        decode(decoder, adapter, 2);
        return OperatorTimes.stop().toString().contains("attune::tokens");
    }

    @Test
    void givesTheLogitsOfOneCallAfterTheOther() {
        for (boolean everything : new boolean[] {false, true}) {
            Engine.run(
                    () -> {
                        try (Decoder decoder =
                                        TinyModels.decoder(shape(everything), DType.BFLOAT16);
                                Policy policy = policy(decoder, 4)) {
                            Adapter trained = policy.adapterInUse();
                            List<List<float[]>> with = new ArrayList<>();
                            List<List<float[]>> without = new ArrayList<>();
                            for (int sequences : COUNTS) {
                                with.add(decode(decoder, trained, sequences));
                                without.add(decode(decoder, Adapter.OFF, sequences));
                            }
                            decoder.packDecoding();
                            for (int i = 0; i < COUNTS.length; i++) {
                                assertTrue(distance(with.get(i), without.get(i)) > 3 * TOLERANCE);
                                close(with.get(i), decode(decoder, trained, COUNTS[i]));
                                close(without.get(i), decode(decoder, Adapter.OFF, COUNTS[i]));
                            }
                            assertTrue(usesKernel(decoder, trained));
                        }
                    });
        }
    }

    private static DecoderConfig read(String type, String more) {
        String text =
                ("{\"model_type\":\"%s\",\"vocab_size\":%d,\"hidden_size\":128,"
                                + "\"num_hidden_layers\":4,\"intermediate_size\":192,"
                                + "\"num_attention_heads\":4,\"num_key_value_heads\":2,"
                                + "\"tie_word_embeddings\":true,\"pad_token_id\":null,"
                                + "\"max_position_embeddings\":256%s}")
                        .formatted(type, VOCABULARY, more);
        return ConfigJson.parse(JsonFields.parse(type, text));
    }

    /// Families whose blocks aren't Llama's.
    private static List<DecoderConfig> families() {
        String gemma =
                ",\"head_dim\":64,\"query_pre_attn_scalar\":64,\"rms_norm_eps\":1e-6,"
                        + "\"hidden_activation\":\"gelu_pytorch_tanh\",\"sliding_window\":5,"
                        + "\"layer_types\":[\"sliding_attention\",\"full_attention\","
                        + "\"sliding_attention\",\"full_attention\"]";
        String delta =
                ",\"head_dim\":64,\"full_attention_interval\":2,\"linear_num_key_heads\":%d,"
                        + "\"linear_num_value_heads\":16,\"linear_key_head_dim\":32,"
                        + "\"linear_value_head_dim\":32,\"linear_conv_kernel_dim\":4";
        String granite =
                ",\"residual_multiplier\":0.22,\"attention_multiplier\":0.1,"
                        + "\"embedding_multiplier\":6.0,\"logits_scaling\":2.0";
        return List.of(
                read("gemma", ",\"head_dim\":32,\"hidden_activation\":\"gelu_pytorch_tanh\""),
                read("gemma3_text", gemma),
                read("olmo2", ""),
                read(
                        "olmo3",
                        ",\"sliding_window\":5,\"layer_types\":[\"sliding_attention\","
                                + "\"full_attention\",\"sliding_attention\",\"full_attention\"]"),
                read("granite", granite),
                read("smollm3", ",\"no_rope_layers\":[1,0,1,0]"),
                read("qwen3_5_text", delta.formatted(16)),
                read("qwen3_5_text", delta.formatted(8)));
    }

    /// Families whose blocks have experts: 12, of which each panel of the router has fewer rows
    /// than a vector, or 32.
    private static List<DecoderConfig> mixtures() {
        String some = ",\"num_experts_per_tok\":3,\"moe_intermediate_size\":96,\"%s\":%d";
        String twelve = some.formatted("num_experts", 12);
        String many = some.formatted("num_experts", 32);
        String grouped =
                some.formatted("n_routed_experts", 12)
                        + ",\"n_shared_experts\":2,\"first_k_dense_replace\":1,\"n_group\":3,"
                        + "\"topk_group\":2,\"routed_scaling_factor\":1.5,\"head_dim\":64";
        String delta =
                ",\"head_dim\":64,\"full_attention_interval\":2,\"linear_num_key_heads\":16,"
                        + "\"linear_num_value_heads\":16,\"linear_key_head_dim\":32,"
                        + "\"linear_value_head_dim\":32,\"linear_conv_kernel_dim\":4";
        String shared = ",\"shared_expert_intermediate_size\":160";
        return List.of(
                read("mixtral", ",\"num_experts_per_tok\":2,\"num_local_experts\":12"),
                read("qwen2_moe", many + shared + ",\"qkv_bias\":false"),
                read("qwen3_moe", twelve + ",\"norm_topk_prob\":true,\"mlp_only_layers\":[1]"),
                read("olmoe", many),
                read(
                        "granitemoeshared",
                        ",\"num_experts_per_tok\":3,\"num_local_experts\":12,"
                                + "\"shared_intermediate_size\":160,\"residual_multiplier\":0.22"),
                read("glm4_moe", grouped),
                read("dots1", grouped),
                read("qwen3_5_moe_text", twelve + shared + delta));
    }

    @Test
    void takesExperts() {
        takes(mixtures());
    }

    @Test
    void takesFamiliesWhosePartsItKnows() {
        takes(families());
    }

    private static void takes(List<DecoderConfig> configs) {
        for (DecoderConfig config : configs) {
            assertEquals(List.of(), config.unlikeTokens(), config.modelType());
            Engine.run(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(config, DType.BFLOAT16);
                                Policy policy = policy(decoder, 4)) {
                            Adapter trained = policy.adapterInUse();
                            List<float[]> with = decode(decoder, trained, 9);
                            List<float[]> without = decode(decoder, Adapter.OFF, 9);
                            decoder.packDecoding();
                            assertTrue(usesKernel(decoder, trained), config.modelType());
                            assertTrue(distance(with, without) > 2e-3, config.modelType());
                            equal(config, with, decode(decoder, trained, 9));
                            equal(config, without, decode(decoder, Adapter.OFF, 9));
                        }
                    });
        }
    }

    /// Equal in every bit; where oneDNN multiplies in tiles, which sum in another order than the
    /// kernel, within the tolerance.
    private static void equal(DecoderConfig config, List<float[]> expected, List<float[]> actual) {
        double d = distance(expected, actual);
        assertTrue(
                Hardware.hasTileRegisters() ? d < TOLERANCE : d == 0,
                config.modelType() + ": wrong by " + d + " of the largest");
    }

    private static void assertSame(List<float[]> expected, List<float[]> seen) {
        for (int i = 0; i < STEPS; i++) {
            assertArrayEquals(expected.get(i), seen.get(i));
        }
    }

    @Test
    void changedAdaptersAreRead() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(shape(false), DType.BFLOAT16);
                            Policy policy = policy(decoder, 4)) {
                        decoder.packDecoding();
                        List<float[]> before = decode(decoder, policy.adapterInUse(), 3);
                        Adapted.shift(policy);
                        List<float[]> after = decode(decoder, policy.adapterInUse(), 3);
                        assertTrue(distance(before, after) > TOLERANCE);
                        decoder.keepForward();
                        List<float[]> kept = decode(decoder, policy.adapterInUse(), 3);
                        assertSame(after, kept);
                    }
                });
    }

    @Test
    void whereTheCopyStandsChangesNoBit() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(shape(true), DType.BFLOAT16);
                            Policy policy = policy(decoder, 4)) {
                        Adapter trained = policy.adapterInUse();
                        decoder.packDecodingInPlace();
                        assertTrue(usesKernel(decoder, trained));
                        List<float[]> inPlace = decode(decoder, trained, 3);
                        try (Decoder other = TinyModels.decoder(shape(true), DType.BFLOAT16);
                                Policy again = policy(other, 4)) {
                            other.packDecoding();
                            List<float[]> moved = decode(other, again.adapterInUse(), 3);
                            assertSame(moved, inPlace);
                        }
                    }
                });
    }

    @Test
    void anotherNumberOfThreadsGivesTheSameBits() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(shape(true), DType.BFLOAT16)) {
                        decoder.packDecoding();
                        Engine.suitThreads(true);
                        List<float[]> one = decode(decoder, Adapter.OFF, 19);
                        Engine.suitThreads(false);
                        List<float[]> two = decode(decoder, Adapter.OFF, 19);
                        for (int i = 0; i < STEPS; i++) {
                            assertArrayEquals(one.get(i), two.get(i));
                        }
                    }
                });
    }

    @Test
    void oddRanksAndShapesStayWithSingleCalls() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(shape(false), DType.BFLOAT16);
                            Policy policy = policy(decoder, 3)) {
                        decoder.packDecoding();
                        assertEquals(false, usesKernel(decoder, policy.adapterInUse()));
                    }
                });
    }

    private static Policy policy(Decoder decoder, int rank) {
        var config = LoraConfig.of(rank, 2.0 * rank, 0, ModuleSelection.of("all-linear"));
        return Adapted.policy(decoder, config, Outcome.DEFAULT);
    }
}
