package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Logits;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/// Adapters with what few have: trained biases, updates with a bias, updates of embeddings, trained
/// rows of tokens.
class LoraOptionsTest {
    private static final String Q = "base_model.model.model.layers.0.self_attn.q_proj";
    private static final String TABLE = "model.embed_tokens.weight";

    @TempDir Path folder;

    /// @param normed whether gradients leave a norm out, so that differences of losses are others
    private record Case(DecoderConfig model, String fields, boolean normed) {
        Case(DecoderConfig model, String fields) {
            this(model, fields, false);
        }
    }

    private static final List<Case> CASES =
            List.of(
                    new Case(TinyModels.qwen2(), "'bias':'all'"),
                    new Case(TinyModels.everything(), "'bias':'lora_only'"),
                    new Case(TinyModels.qwen2(), "'bias':'lora_only','use_dora':true", true),
                    new Case(TinyModels.qwen2(), "'lora_bias':true"),
                    new Case(TinyModels.qwen2(), "'lora_bias':true,'bias':'all'"),
                    new Case(
                            TinyModels.llama(),
                            "'target_modules':['embed_tokens','v_proj','lm_head']"),
                    new Case(TinyModels.tiedLlama(), "'target_modules':['embed_tokens']"),
                    new Case(
                            TinyModels.tiedLlama(),
                            "'target_modules':['embed_tokens'],'ensure_weight_tying':true"),
                    new Case(
                            TinyModels.tiedLlama(),
                            "'target_modules':['embed_tokens'],'ensure_weight_tying':true,"
                                    + "'use_dora':true",
                            true),
                    new Case(TinyModels.llama(), "'trainable_token_indices':[7,3,0]"),
                    new Case(
                            TinyModels.llama(),
                            "'trainable_token_indices':{'lm_head':[2,1],'embed_tokens':[5]}"),
                    new Case(
                            TinyModels.tiedLlama(),
                            "'trainable_token_indices':{'model.embed_tokens':[3,4,9]}"),
                    new Case(
                            TinyModels.tiedLlama(),
                            "'peft_type':'TRAINABLE_TOKENS','token_indices':[1,2,8]"));

    private AdapterConfig config(String fields) {
        String all = fields;
        for (String more :
                List.of(
                        "'peft_type':'LORA'",
                        "'target_modules':['q_proj','v_proj']",
                        "'init_lora_weights':false",
                        "'r':3",
                        "'lora_alpha':6")) {
            boolean tokens = fields.contains("TOKENS") && more.contains("modules");
            if (!fields.contains(more.substring(0, more.indexOf(':'))) && !tokens) {
                all += "," + more;
            }
        }
        try {
            Path file = folder.resolve("asked.json");
            Files.writeString(file, "{" + all.replace('\'', '"') + "}");
            return AdapterConfig.read(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// With a policy whose trained values are random.
    private void with(Case c, DType dtype, Policy.Options options, Consumer<Policy> use) {
        AdapterConfig config = config(c.fields());
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(c.model(), dtype);
                            Policy policy =
                                    Policy.withFreshAdapter(
                                            decoder,
                                            config,
                                            TinyModels.random("adapter"),
                                            options)) {
                        Adapted.shift(policy);
                        use.accept(policy);
                    }
                });
    }

    private void withEach(Consumer<Policy> use) {
        for (Case c : CASES) {
            with(c, DType.FLOAT32, Outcome.DEFAULT, use);
        }
    }

    private static TokenForest forest(Policy policy) {
        return Adapted.piece(policy.decoder().config(), 7).forest();
    }

    @Test
    void allWaysOfAPassAgree() {
        for (Case c : CASES) {
            var outcomes = new ArrayList<Outcome>();
            for (var options : List.of(Outcome.PLAIN, Outcome.DEFAULT, Outcome.RECOMPUTE)) {
                with(
                        c,
                        DType.FLOAT32,
                        options,
                        p -> outcomes.add(Outcome.of(p, List.of(Adapted.piece(c.model(), 7)))));
            }
            outcomes.get(0).assertEqualTo(c.toString(), outcomes.get(1), 5e-5);
            outcomes.get(1).assertEqualTo(c.toString(), outcomes.get(2), 0);
        }
    }

    /// Along a random direction the loss changes as the gradients say.
    @Test
    void gradientsAreTheLosses() {
        for (Case c : CASES) {
            if (!c.normed()) {
                with(
                        c,
                        DType.FLOAT32,
                        Outcome.DEFAULT,
                        p -> Adapted.compareWithDifferences(c.toString(), p));
            }
        }
    }

    @Test
    void theMergedModelIsTheSame() {
        withEach(
                policy -> {
                    try (Decoder merged = Adapted.merged(policy)) {
                        assertClose(
                                "merged",
                                Outcome.logProbs(Policy.reference(merged), forest(policy)),
                                Outcome.logProbs(policy, forest(policy)),
                                1e-4,
                                1e-4);
                    }
                });
    }

    @Test
    void aFrozenCopyStaysAndTheBaseIsUnchanged() {
        for (Case c : CASES) {
            float[] base =
                    Engine.call(
                            () -> {
                                try (Decoder decoder = TinyModels.decoder(c.model())) {
                                    return Outcome.logProbs(
                                            Policy.reference(decoder),
                                            Adapted.piece(c.model(), 7).forest());
                                }
                            });
            with(
                    c,
                    DType.FLOAT32,
                    Outcome.DEFAULT,
                    policy -> {
                        float[] before = Outcome.logProbs(policy, forest(policy));
                        MovingReference frozen = policy.movingAdapter();
                        Adapted.shift(policy);
                        assertArrayEquals(before, Outcome.logProbs(frozen, forest(policy)));
                        assertArrayEquals(
                                base, Outcome.logProbs(policy.adapterOff(), forest(policy)));
                        float[] after = Outcome.logProbs(policy, forest(policy));
                        assertFalse(Arrays.equals(before, after));
                        frozen.move(1);
                        assertArrayEquals(after, Outcome.logProbs(frozen, forest(policy)));
                    });
        }
    }

    /// Also with weights of which only what forward passes read is kept, as for generation.
    @Test
    void readingWithACacheGivesTheSame() {
        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            double tolerance = dtype == DType.FLOAT32 ? 1e-5 : 0.05;
            for (Case c : CASES) {
                with(
                        c,
                        dtype,
                        Outcome.DEFAULT,
                        p -> compareWithCache(c + " " + dtype, p, tolerance));
            }
        }
    }

    private static void compareWithCache(String what, Policy policy, double tolerance) {
        Decoder decoder = policy.decoder();
        int[] ids = TinyModels.tokens("prompt", decoder.config(), 9);
        var layout = RecordedModelsTest.layout(ids, ids.length);
        float[] whole = Logits.of(decoder, layout, Adapter.TRAINED).toFloats();
        for (boolean packed : new boolean[] {false, true}) {
            if (packed) {
                decoder.packDecoding();
                decoder.keepForward();
            }
            try (var cache = new KvCache(decoder, 1, ids.length)) {
                var reader = new CachedDecoder(decoder, Adapter.TRAINED);
                int most = ids.length - 1;
                reader.prefill(cache, 0, Arrays.copyOf(ids, most)).close();
                float[] last =
                        reader.decode(cache, new int[] {ids[most]}).to(DType.FLOAT32).toFloats();
                float[] expected =
                        Arrays.copyOfRange(whole, whole.length - last.length, whole.length);
                float largest = 0;
                for (float logit : expected) {
                    largest = Math.max(largest, Math.abs(logit));
                }
                assertClose(what + packed, expected, last, tolerance * largest, 0);
            }
        }
    }

    @Test
    void whatIsWrittenIsReadBack() {
        withEach(
                policy -> {
                    policy.saveAdapter(folder, "base");
                    DecoderConfig model = policy.decoder().config();
                    try (AdapterFolder adapter = AdapterFolder.open(folder);
                            Decoder decoder = TinyModels.decoder(model);
                            Policy other = Policy.withAdapter(decoder, adapter, Outcome.DEFAULT)) {
                        assertArrayEquals(
                                Outcome.logProbs(policy, forest(policy)),
                                Outcome.logProbs(other, forest(policy)));
                    }
                });
    }

    @Test
    void aFreshAdapterOfRowsIsTheModel() {
        for (String fields :
                List.of(
                        "'trainable_token_indices':[7,3,0],'init_lora_weights':true",
                        "'target_modules':['embed_tokens'],'init_lora_weights':true",
                        "'lora_bias':true,'init_lora_weights':true")) {
            AdapterConfig config = config(fields);
            Adapted.fresh(
                    TinyModels.qwen2(),
                    config,
                    policy -> {
                        assertEquals(Scorer.Start.SAME, policy.adapterOff().start());
                        Adapted.shift(policy);
                        assertEquals(Scorer.Start.OTHER, policy.adapterOff().start());
                    });
        }
    }

    private static Map<String, float[]> merged(Policy policy) {
        var weights = new TreeMap<String, float[]>();
        for (SafeTensorsWriter.Source source : policy.weights(DType.FLOAT32)) {
            try (Arena arena = Arena.ofConfined()) {
                weights.put(
                        source.name(), source.data().apply(arena).toArray(ValueLayout.JAVA_FLOAT));
            }
        }
        return weights;
    }

    private static float[] value(Policy policy, String name) {
        var p =
                policy.parameters().parameters().stream()
                        .filter(x -> x.name().equals(name))
                        .findFirst()
                        .orElseThrow();
        return policy.parameters()
                .values()
                .narrow(0, p.offset(), p.count())
                .contiguous()
                .toFloats();
    }

    /// `T[t][d] = E[t][d] + s Σ_k B[d][k] A[k][t]`, each column brought to its length.
    @Test
    void anEmbeddingsUpdateByNumbers() {
        for (boolean lengths : new boolean[] {false, true}) {
            var c =
                    new Case(
                            TinyModels.llama(),
                            "'target_modules':['embed_tokens'],'use_dora':" + lengths);
            float[] e = base(c.model());
            with(
                    c,
                    DType.FLOAT32,
                    Outcome.DEFAULT,
                    policy -> {
                        String path = "base_model.model.model.embed_tokens.";
                        float[] a = value(policy, path + "lora_embedding_A");
                        float[] b = value(policy, path + "lora_embedding_B");
                        float[] m = lengths ? value(policy, path + "lora_magnitude_vector") : null;
                        int v = c.model().vocabSize();
                        int width = c.model().hiddenSize();
                        float[] expected = new float[v * width];
                        for (int d = 0; d < width; d++) {
                            double squares = 0;
                            for (int t = 0; t < v; t++) {
                                double sum = e[t * width + d];
                                for (int k = 0; k < 3; k++) {
                                    sum += 2.0 * b[d * 3 + k] * a[k * v + t];
                                }
                                expected[t * width + d] = (float) sum;
                                squares += sum * sum;
                            }
                            for (int t = 0; lengths && t < v; t++) {
                                expected[t * width + d] *= (float) (m[d] / Math.sqrt(squares));
                            }
                        }
                        assertClose("table", expected, merged(policy).get(TABLE), 1e-5, 1e-5);
                    });
        }
    }

    private static float[] base(DecoderConfig model) {
        return Engine.call(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(model)) {
                        return decoder.embedding().base().toFloats();
                    }
                });
    }

    @Test
    void biasesByNumbers() {
        var c = new Case(TinyModels.qwen2(), "'lora_bias':true,'bias':'lora_only'");
        with(
                c,
                DType.FLOAT32,
                Outcome.DEFAULT,
                policy -> {
                    float[] own = value(policy, Q + ".base_layer.bias");
                    float[] more = value(policy, Q + ".lora_B.bias");
                    float[] expected = new float[own.length];
                    for (int i = 0; i < own.length; i++) {
                        expected[i] = own[i] + 2 * more[i];
                    }
                    String name = "model.layers.0.self_attn.q_proj.bias";
                    assertClose(name, expected, merged(policy).get(name), 1e-6, 1e-6);
                    var names =
                            policy.parameters().parameters().stream()
                                    .filter(p -> p.name().endsWith(".bias") && p.decays())
                                    .toList();
                    assertEquals(4, names.size(), "the updates' own: " + names);
                });
    }

    @Test
    void whatDoesNotFitIsRefusedByName() {
        refuses(
                "'bias':'some'",
                "\"bias\" is \"some\"; accepted: \"none\", \"lora_only\", \"all\"");
        refuses("'lora_bias':true,'use_dora':true", "lora_bias is true beside use_dora: true");
        refuses("'trainable_token_indices':[]", "trainable_token_indices is []");
        refuses("'trainable_token_indices':[3,3]", "trainable_token_indices has 3 twice");
        refuses("'trainable_token_indices':[-1]", "trainable_token_indices has -1; accepted");
        refuses(
                "'trainable_token_indices':[100000]",
                "trainable_token_indices has 100000; accepted: ids of the model's");
        refuses("'trainable_token_indices':{'tail':[1]}", "\"tail\" is neither the embedding nor");
        refuses(
                "'trainable_token_indices':{'lm_head':[1]}",
                "names lm_head, which is the embedding in this model");
        refuses(
                "'trainable_token_indices':[1],'modules_to_save':['embed_tokens']",
                "which gets an adapter or is trained whole too");
        refuses("'lora_bias':true,'target_modules':['lm_head']", "nor lora_bias");
        refuses(
                "'peft_type':'TRAINABLE_TOKENS','token_indices':[1],'target_modules':['all-linear']",
                "target_modules [all-linear] (lora_target_modules) names no table of tokens");
    }

    @Test
    void allLinearLeavesTheEmbeddingToItsRows() {
        String fields = "'trainable_token_indices':[1],'target_modules':'all-linear'";
        AdapterFit.require(TinyModels.tiedLlama(), config(fields));
    }

    private void refuses(String fields, String message) {
        var error =
                assertThrows(
                        AttuneException.class,
                        () -> AdapterFit.require(TinyModels.tiedLlama(), config(fields)));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void anUpdatesBiasNeedsALayersToBeMerged() {
        with(
                new Case(TinyModels.llama(), "'lora_bias':true"),
                DType.FLOAT32,
                Outcome.DEFAULT,
                policy -> {
                    var error = assertThrows(ModelException.class, () -> merged(policy));
                    assertTrue(
                            error.getMessage().contains("q_proj has a bias (lora_bias: true)"),
                            error.getMessage());
                });
    }

    @Test
    void namesThatNoModuleHasAreRefused() {
        var error =
                assertThrows(
                        ConfigException.class,
                        () ->
                                ((LoraConfig) config("'target_modules':['embed_tokens']"))
                                        .matchAll(List.of("model.layers.0.q_proj")));
        assertTrue(error.getMessage().contains("matches no linear module"), error.getMessage());
    }
}
