package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Logits;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/// Adapters that put virtual tokens before every sequence.
class PromptsTest {
    private static final int TOKENS = 3;

    @TempDir Path folder;

    private static AdapterConfig config(
            DecoderConfig model, String type, Map<String, Object> more) {
        boolean isPrefix = type.equals("PREFIX_TUNING");
        Map<String, Object> fields = new TreeMap<>(more);
        fields.put("peft_type", type);
        fields.putIfAbsent("num_virtual_tokens", TOKENS);
        fields.putIfAbsent(
                "token_dim", isPrefix ? model.kvHeads() * model.headDim() : model.hiddenSize());
        fields.put("num_layers", model.layers());
        fields.put("num_attention_heads", model.heads());
        return AdapterConfig.ofPrompt("test", fields, List.of());
    }

    private static List<AdapterConfig> kinds(DecoderConfig model) {
        return List.of(
                config(model, "PROMPT_TUNING", Map.of()),
                config(model, "PREFIX_TUNING", Map.of()),
                config(
                        model,
                        "PREFIX_TUNING",
                        Map.of("prefix_projection", true, "encoder_hidden_size", 5)),
                config(model, "P_TUNING", Map.of("encoder_hidden_size", 5)),
                config(
                        model,
                        "P_TUNING",
                        Map.of(
                                "encoder_reparameterization_type",
                                "LSTM",
                                "encoder_hidden_size",
                                4)));
    }

    /// Lends policies of all kinds.
    private static void each(BiConsumer<String, Policy> use) {
        each(TinyModels.tiedLlama(), 5, use);
    }

    /// Lends policies on models whose attention is computed in other ways.
    private static void onOthers(BiConsumer<String, Policy> use) {
        each(TinyModels.mistral(4), 2, use);
        each(TinyModels.wideHeadsWithEverything(), 2, use);
    }

    /// @param count of kinds
    private static void each(DecoderConfig model, int count, BiConsumer<String, Policy> use) {
        for (AdapterConfig kind : kinds(model).subList(0, count)) {
            String what = model.modelType() + ", " + kind.described();
            Adapted.fresh(model, kind, policy -> use.accept(what, policy));
        }
    }

    @Test
    void gradientsAreThoseOfDifferences() {
        each(Adapted::compareWithDifferences);
        onOthers(Adapted::compareWithDifferences);
    }

    @Test
    void waysOfComputingAndLayingOutAreEqual() {
        each(PromptsTest::compareWays);
        onOthers(PromptsTest::compareWays);
        each(TinyModels.mixture(), 2, PromptsTest::compareWays);
    }

    private static void compareWays(String what, Policy policy) {
        DecoderConfig model = policy.decoder().config();
        var tree = new Tree();
        int prompt = tree.root(TinyModels.tokens("prompt", model, 6));
        int a = tree.child(prompt, TinyModels.tokens("a", model, 5));
        int b = tree.child(prompt, TinyModels.tokens("b", model, 7));
        int other = tree.root(TinyModels.tokens("other", model, 5));
        Outcome alone = Outcome.of(policy, tree.separate(a, b, other));
        var shared = List.of(tree.shared(prompt, a, b, other));
        alone.assertEqualTo(what, Outcome.of(policy, shared));
        for (var options : List.of(Outcome.PLAIN, Outcome.RECOMPUTE)) {
            policy.setOptions(options);
            alone.assertEqualTo(what + options, Outcome.of(policy, shared));
        }
    }

    @Test
    void readingWithACacheGivesTheLogitsOfAPass() {
        each(TinyModels.tiedLlama(), 2, PromptsTest::compareReading);
        onOthers(PromptsTest::compareReading);
        each(TinyModels.mixture(), 2, PromptsTest::compareReading);
    }

    private static void compareReading(String what, Policy policy) {
        Decoder decoder = policy.decoder();
        StateModelsTest.readsWithCache(decoder.config(), decoder, Adapter.TRAINED);
        StateModelsTest.readsWithCache(decoder.config(), decoder, Adapter.OFF);
    }

    /// Each model of a mixture has its own tokens before a text.
    @Test
    void aMixtureReadsVirtualTokensWithOneModelOnly() {
        DecoderConfig model = TinyModels.llama();
        Adapted.fresh(
                model,
                config(model, "PREFIX_TUNING", Map.of()),
                policy -> {
                    var off = new CachedDecoder(policy.decoder(), Adapter.OFF);
                    var both =
                            new CachedDecoder(policy.decoder(), Adapter.TRAINED).mixedWith(off, 1);
                    int[] ids = TinyModels.tokens("text", model, 9);
                    try (var cache = both.newCache(2, 9);
                            var plain = off.newCache(1, 9)) {
                        float[] expected = off.prefill(plain, 0, ids).toFloats();
                        assertClose("", expected, both.prefill(cache, 0, ids).toFloats(), 1e-5, 0);
                        assertEquals(9, cache.length(0));
                        assertEquals(9, cache.commonPrefix(0, ids));
                        cache.copy(0, 1, 5);
                        assertEquals(5, cache.length(1));
                        assertEquals(5, cache.commonPrefix(1, ids));
                    }
                });
    }

    /// What an encoder makes is what is written, and what a loaded adapter trains.
    @Test
    void writtenTablesAreReadAgain() {
        each(
                (what, policy) -> {
                    Path to = folder.resolve(what.replaceAll("\\W", "") + policy.hashCode());
                    policy.saveAdapter(to, "base");
                    DecoderConfig model = policy.decoder().config();
                    int[] ids = TinyModels.tokens("text", model, 9);
                    float[] own = logits(policy.decoder(), ids, Adapter.TRAINED);
                    try (AdapterFolder there = AdapterFolder.open(to)) {
                        Adapter role = policy.addAdapter(there);
                        assertClose(what, own, logits(policy.decoder(), ids, role), 1e-6, 0);
                        String text = policy.adapter().orElseThrow().withBaseModel("base").toJson();
                        assertEquals(text, there.config().toJson());
                        try (var again =
                                Policy.withAdapter(policy.decoder(), there, Outcome.DEFAULT)) {
                            assertEquals(1, again.parameters().parameters().size());
                            Adapted.compareWithDifferences(what + ", written", again);
                        }
                    }
                });
    }

    private static float[] logits(Decoder decoder, int[] ids, Adapter adapter) {
        TokenForest text = RecordedModelsTest.rows(ids, ids.length).whole();
        TokenForest rows = FrozenPass.rows(decoder, adapter, text, false);
        return Logits.of(decoder, Policy.layout(rows), adapter).toFloats();
    }

    @Test
    void aSnapshotStaysAndTheModelAloneIsWithoutThem() {
        each(
                TinyModels.llama(),
                2,
                (what, policy) -> {
                    TokenForest forest = Adapted.piece(policy.decoder().config(), 4).forest();
                    float[] off = Outcome.logProbs(policy.adapterOff(), forest);
                    float[] start = Outcome.logProbs(policy.frozenAdapter(), forest);
                    Adapted.shift(policy);
                    assertArrayEquals(off, Outcome.logProbs(policy.adapterOff(), forest), what);
                    float[] moved = Outcome.logProbs(policy, forest);
                    assertTrue(difference(start, moved) > 1e-4, what);
                    assertTrue(difference(off, start) > 1e-4, what);
                    assertEquals(Scorer.Start.OTHER, policy.adapterOff().start());
                });
    }

    private static double difference(float[] a, float[] b) {
        double most = 0;
        for (int i = 0; i < a.length; i++) {
            most = Math.max(most, Math.abs(a[i] - b[i]));
        }
        return most;
    }

    /// The tokens of a text, which are fewer than the virtual ones, come again.
    @Test
    void aPromptBeginsWithEmbeddingsOfATextOrOfDrawnTokens() {
        DecoderConfig model = TinyModels.llama();
        Map<String, Object> fields = new TreeMap<>();
        fields.put("peft_type", "PROMPT_TUNING");
        fields.put("num_virtual_tokens", 3);
        fields.put("token_dim", model.hiddenSize());
        fields.put("num_layers", model.layers());
        fields.put("num_attention_heads", model.heads());
        fields.put("prompt_tuning_init", "TEXT");
        var text = AdapterConfig.ofPrompt("test", fields, List.of(4, 7));
        Adapted.fresh(model, text, policy -> assertArrayEquals(new int[] {4, 7, 4}, rows(policy)));
        fields.put("prompt_tuning_init", "SAMPLE_VOCAB");
        var drawn = AdapterConfig.ofPrompt("test", fields, List.of());
        Adapted.fresh(model, drawn, policy -> assertEquals(3, rows(policy).length));
    }

    /// The tokens that the vectors are the embeddings of.
    private static int[] rows(Policy policy) {
        float[] values = policy.parameters().values().toFloats();
        float[] table = policy.decoder().embedding().base().toFloats();
        int width = policy.decoder().config().hiddenSize();
        int[] ids = new int[values.length / width];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = -1;
            for (int id = 0; id < table.length / width; id++) {
                boolean same = true;
                for (int k = 0; k < width; k++) {
                    same &= table[id * width + k] == values[i * width + k];
                }
                ids[i] = same ? id : ids[i];
            }
            assertTrue(ids[i] >= 0, "vector " + i + " is no embedding");
        }
        return ids;
    }

    @Test
    void rowsStandBehindVirtualTokensOnceOrInEachTree() {
        var builder = TokenForest.builder();
        int first = builder.root(new int[] {5, 6});
        builder.target(builder.child(first, new int[] {7}), 0);
        builder.target(builder.root(new int[] {8, 9}), 1);
        TokenForest forest = builder.build().whole();
        TokenForest once = forest.behind(new int[] {31, 32}, false);
        assertArrayEquals(new int[] {31, 32, 5, 6, 7, 8, 9}, once.tokens());
        assertArrayEquals(new int[] {0, 1, 2, 3, 4, 2, 3}, once.positions());
        assertArrayEquals(new int[] {3, 5}, once.targetSources());
        TokenForest apart = forest.behind(new int[] {31, 32}, true);
        assertArrayEquals(new int[] {31, 32, 5, 6, 7, 31, 32, 8, 9}, apart.tokens());
        assertArrayEquals(new int[] {0, 1, 2, 3, 4, 0, 1, 2, 3}, apart.positions());
        assertArrayEquals(new int[] {3, 7}, apart.targetSources());
    }

    @Test
    void whatCantBeIsRefusedByName() {
        DecoderConfig model = TinyModels.mixture();
        AdapterConfig prefix = config(model, "PREFIX_TUNING", Map.of());
        Adapted.fresh(
                model,
                prefix,
                policy -> {
                    refused("changes no weight", () -> policy.weights(policy.decoder().dtype()));
                    refused(
                            "router_aux_loss_coef",
                            () -> policy.setOptions(Outcome.DEFAULT.withRouterLoss(0.1)));
                    refused(
                            "neftune_noise_alpha",
                            () -> policy.setOptions(Outcome.DEFAULT.withNoise(5)));
                });
        refused("encoder_hidden_size", () -> config(model, "P_TUNING", Map.of()));
        refused("task_type", () -> config(model, "P_TUNING", Map.of("task_type", "SEQ_CLS")));
        refused(
                "token_dim is 7",
                () ->
                        AdapterFit.require(
                                model, config(model, "PROMPT_TUNING", Map.of("token_dim", 7))));
        DecoderConfig states = StateModelsTest.MODELS.getFirst();
        refused(
                "layers with a state",
                () -> AdapterFit.require(states, config(states, "PREFIX_TUNING", Map.of())));
    }

    private static void refused(String name, Runnable what) {
        AttuneException e = assertThrows(AttuneException.class, what::run);
        assertTrue(e instanceof ConfigException || e instanceof ModelException);
        assertTrue(e.getMessage().contains(name) || e.toString().contains(name), e.getMessage());
    }

    /// On layers with a state virtual tokens are read as others are.
    @Test
    void statesReadVirtualTokens() {
        DecoderConfig model = StateModelsTest.MODELS.getFirst();
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(model);
                            Policy policy =
                                    Outcome.lora(
                                            decoder,
                                            config(model, "PROMPT_TUNING", Map.of()),
                                            Outcome.DEFAULT)) {
                        Adapted.compareWithDifferences("states", policy);
                        Tensor values = policy.parameters().values();
                        assertEquals((long) TOKENS * model.hiddenSize(), values.size());
                        StateModelsTest.readsWithCache(model, decoder, Adapter.TRAINED);
                    }
                });
    }
}
