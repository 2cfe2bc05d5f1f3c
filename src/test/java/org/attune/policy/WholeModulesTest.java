package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.error.ConfigException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.attune.testing.TinyVision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Modules trained whole beside LoRA.
class WholeModulesTest {
    private static final String PREFIX = "base_model.model.";
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final String HEAD = "lm_head.weight";

    /// @param whole `modules_to_save`
    /// @param ties `ensure_weight_tying`
    /// @param targets of LoRA
    /// @param trained weights that are then trained whole, some of them
    /// @param tied whether the merged model's output layer is its embedding
    private record Case(
            DecoderConfig config,
            List<String> whole,
            boolean ties,
            List<String> targets,
            Set<String> trained,
            boolean tied) {
        LoraConfig adapter(double dropout) {
            return Adapted.config(targets, whole, ties, dropout);
        }
    }

    private static final List<String> Q = List.of("q_proj");

    private static final List<Case> CASES =
            List.of(
                    new Case(
                            TinyModels.llama(),
                            List.of("lm_head", "embed_tokens"),
                            true, // means nothing here
                            Q,
                            Set.of(EMBEDDING, HEAD),
                            false),
                    new Case(
                            TinyModels.llama(),
                            List.of("embed_tokens"),
                            false,
                            List.of("lm_head", "q_proj"),
                            Set.of(EMBEDDING),
                            false),
                    new Case(
                            TinyModels.tiedLlama(),
                            List.of("embed_tokens", "model.embed_tokens"),
                            true,
                            Q,
                            Set.of(EMBEDDING),
                            true),
                    new Case(
                            TinyModels.tiedLlama(),
                            List.of("lm_head"),
                            false,
                            Q,
                            Set.of(HEAD),
                            false),
                    new Case(
                            TinyModels.tiedLlama(),
                            List.of("embed_tokens", "lm_head"),
                            false,
                            Q,
                            Set.of(EMBEDDING, HEAD),
                            false),
                    new Case(
                            TinyModels.qwen3(),
                            List.of("norm"),
                            false,
                            List.of("down_proj"),
                            Set.of(
                                    "model.norm.weight",
                                    "model.layers.0.self_attn.q_norm.weight",
                                    "model.layers.1.self_attn.k_norm.weight",
                                    "model.layers.1.post_attention_layernorm.weight"),
                            true),
                    new Case(
                            TinyModels.seeing(),
                            List.of("connector"),
                            false,
                            Q,
                            Set.of("model.connector.modality_projection.proj.weight"),
                            false),
                    new Case(
                            TinyModels.seeing(),
                            List.of("vision_model"),
                            false,
                            Q,
                            Set.of(
                                    "model.vision_model.embeddings.patch_embedding.weight",
                                    "model.vision_model.encoder.layers.0.mlp.fc1.bias",
                                    "model.vision_model.encoder.layers.1.self_attn.k_proj.weight"),
                            false),
                    new Case(
                            TinyVision.whole(),
                            List.of("multi_modal_projector", "mlp.fc2"),
                            false,
                            Q,
                            Set.of(
                                    "model.multi_modal_projector.mm_input_projection_weight",
                                    "model.multi_modal_projector.mm_soft_emb_norm.weight",
                                    "model.vision_tower.encoder.layers.1.mlp.fc2.bias"),
                            true));

    private static void onEngine(Runnable body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        body.run();
                    }
                });
    }

    @Test
    void gradientsAreThoseOfTheMergedModel() {
        for (Case c : CASES) {
            for (Policy.Options options :
                    List.of(Outcome.DEFAULT, Outcome.PLAIN, Outcome.RECOMPUTE)) {
                onEngine(() -> compareWithMerged(c, options));
            }
        }
    }

    private static void compareWithMerged(Case c, Policy.Options options) {
        Tree.Piece piece = Adapted.piece(c.config(), 9);
        try (Decoder decoder = TinyModels.decoder(c.config());
                Policy policy = Adapted.policy(decoder, c.adapter(0), options)) {
            assertEquals(c.tied(), policy.mergedConfig(DType.FLOAT32).tieWordEmbeddings());
            Outcome.of(policy, List.of(piece));
            Map<String, float[]> got = Adapted.gradients(policy);
            Map<String, float[]> full = Adapted.fullGradients(policy, piece, HeadRequest.of());
            for (String name : c.trained()) {
                assertTrue(got.containsKey(PREFIX + name), name + " among " + got.keySet());
            }
            for (String name : got.keySet()) {
                String own = name.substring(PREFIX.length());
                if (!own.contains("lora_")) {
                    assertClose(c + " " + own, full.get(own), got.get(name), 1e-5, 1e-5);
                }
            }
        }
    }

    @Test
    void mergedIsTheSame() {
        for (Case c : CASES) {
            TokenForest forest = Adapted.piece(c.config(), 9).forest();
            onEngine(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(c.config());
                                Policy policy =
                                        Adapted.policy(decoder, c.adapter(0), Outcome.DEFAULT);
                                Decoder merged = Adapted.merged(policy)) {
                            assertClose(
                                    c.toString(),
                                    policy.measure(forest, HeadRequest.of()).tokenLogProbs(),
                                    Policy.reference(merged)
                                            .measure(forest, HeadRequest.of())
                                            .tokenLogProbs(),
                                    1e-5,
                                    1e-5);
                        }
                    });
        }
    }

    @Test
    void aFreshAdapterStartsFromTheBaseModel() {
        for (Case c : CASES) {
            TokenForest forest = Adapted.piece(c.config(), 9).forest();
            onEngine(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(c.config(), DType.BFLOAT16);
                                Policy policy =
                                        Outcome.lora(decoder, c.adapter(0), Outcome.DEFAULT)) {
                            for (var p : policy.parameters().parameters()) {
                                if (p.name().contains("lora_B")) {
                                    policy.parameters()
                                            .values()
                                            .narrow(0, p.offset(), p.count())
                                            .zeroInPlace();
                                }
                            }
                            policy.parameters().valuesChanged();
                            assertArrayEquals(
                                    policy.adapterOff()
                                            .measure(forest, HeadRequest.of())
                                            .tokenLogProbs(),
                                    policy.measure(forest, HeadRequest.of()).tokenLogProbs());
                        }
                    });
        }
    }

    @Test
    void referencesKeepTheirWeights() {
        for (Case c : CASES) {
            TokenForest forest = Adapted.piece(c.config(), 9).forest();
            onEngine(
                    () -> {
                        float[] base;
                        try (Decoder decoder = TinyModels.decoder(c.config())) {
                            base = values(Policy.reference(decoder), forest);
                        }
                        try (Decoder decoder = TinyModels.decoder(c.config());
                                Policy policy =
                                        Adapted.policy(decoder, c.adapter(0), Outcome.DEFAULT)) {
                            float[] before = values(policy, forest);
                            MovingReference frozen = policy.movingAdapter();
                            Adapted.shift(policy);
                            assertArrayEquals(base, values(policy.adapterOff(), forest));
                            assertArrayEquals(before, values(frozen, forest));
                            float[] after = values(policy, forest);
                            assertFalse(Arrays.equals(before, after));
                            frozen.move(1);
                            assertArrayEquals(after, values(frozen, forest));
                        }
                    });
        }
    }

    private static float[] values(Scorer scorer, TokenForest forest) {
        return scorer.measure(forest, HeadRequest.of()).tokenLogProbs();
    }

    @Test
    void savedAndLoadedIsTheSame(@TempDir Path root) {
        for (int i = 0; i < CASES.size(); i++) {
            Case c = CASES.get(i);
            Path folder = root.resolve("" + i);
            TokenForest forest = Adapted.piece(c.config(), 9).forest();
            onEngine(
                    () -> {
                        float[] before;
                        try (Decoder decoder = TinyModels.decoder(c.config());
                                Policy policy =
                                        Adapted.policy(decoder, c.adapter(0), Outcome.DEFAULT)) {
                            before = values(policy, forest);
                            policy.saveAdapter(folder, "base");
                        }
                        try (Decoder decoder = TinyModels.decoder(c.config());
                                AdapterFolder adapter = AdapterFolder.open(folder);
                                Policy policy =
                                        Policy.withAdapter(decoder, adapter, Outcome.DEFAULT)) {
                            assertEquals(c.whole(), adapter.config().modulesToSave());
                            boolean hasHead = adapter.savedTensors().containsKey(HEAD);
                            assertEquals(
                                    c.trained().contains(HEAD) || c.tied() && c.ties(), hasHead);
                            assertArrayEquals(before, values(policy, forest));
                        }
                    });
        }
    }

    @Test
    void decayLeavesNormsAndBiasesOut() {
        onEngine(
                () -> {
                    for (Case c : CASES) {
                        try (Decoder decoder = TinyModels.decoder(c.config());
                                Policy policy =
                                        Outcome.lora(decoder, c.adapter(0), Outcome.DEFAULT)) {
                            for (var p : policy.parameters().parameters()) {
                                boolean stays = p.name().matches(".*(norm|bias).*");
                                assertEquals(!stays, p.decays(), p.name());
                            }
                        }
                    }
                });
    }

    @Test
    void otherModulesAreRefusedByName() {
        refuses("o_proj", "model.layers.0.self_attn.o_proj");
        refuses("mlp", "model.layers.0.mlp");
        refuses("lm_haed", "\"lm_haed\" is no module of the model");
        DecoderConfig sees = TinyModels.seeing();
        refuses(sees, Q, "o_proj", "model.text_model.layers.0.self_attn.o_proj");
        refuses(sees, Q, "_model", "model.text_model");
        refuses(
                sees,
                List.of("proj"),
                "projection",
                "model.connector.modality_projection.proj is inside of what [projection] names");
    }

    private static void refuses(String name, String why) {
        refuses(TinyModels.llama(), Q, name, why);
    }

    private static void refuses(
            DecoderConfig config, List<String> targets, String name, String why) {
        onEngine(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(config)) {
                        LoraConfig adapter = Adapted.config(targets, List.of(name), false, 0);
                        String message =
                                assertThrows(
                                                ConfigException.class,
                                                () ->
                                                        Outcome.lora(
                                                                decoder, adapter, Outcome.DEFAULT))
                                        .getMessage();
                        assertTrue(message.contains(why), message);
                    }
                });
    }
}
