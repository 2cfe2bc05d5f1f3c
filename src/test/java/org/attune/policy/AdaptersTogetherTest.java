package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Logits;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Several adapters on one set of weights: each computes what it computes alone.
final class AdaptersTogetherTest {
    private static final DecoderConfig CONFIG = TinyModels.llama();
    private static final int[] IDS = TinyModels.tokens("ids", CONFIG, 7);

    @Test
    void eachIsItself(@TempDir Path folder) {
        List<LoraConfig> configs =
                List.of(
                        Adapted.config(List.of("q_proj", "v_proj"), List.of(), false, 0),
                        Adapted.config(List.of("q_proj", "v_proj"), List.of("norm"), false, 0),
                        Adapted.config(List.of("down_proj", "lm_head"), List.of(), false, 0));
        Engine.run(
                () -> {
                    List<float[]> alone = new ArrayList<>();
                    for (int i = 0; i < configs.size(); i++) {
                        alone.add(alone(configs.get(i), folder.resolve("" + i), i));
                    }
                    together(folder, alone);
                });
    }

    /// A closed adapter leaves nothing on the weights that all weights' training meets.
    @Test
    void allWeightsAreTrainedWhereAnAdapterWas() {
        LoraConfig config =
                Adapted.config(List.of("q_proj", "v_proj", "lm_head"), List.of("norm"), false, 0);
        Engine.run(
                () -> {
                    var piece = List.of(Adapted.piece(CONFIG, 7));
                    Outcome expected;
                    try (Decoder decoder = TinyModels.decoder(CONFIG);
                            Policy whole = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                        expected = Outcome.of(whole, piece);
                    }
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(CONFIG)) {
                        Adapted.policy(decoder, config, Outcome.DEFAULT).close();
                        try (Policy whole = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                            expected.assertEqualTo("whole", Outcome.of(whole, piece), 0);
                        }
                    }
                });
    }

    /// Logits of an adapter alone, which is saved.
    private static float[] alone(LoraConfig config, Path folder, int shifts) {
        try (var _ = TensorScope.open("test");
                Decoder decoder = TinyModels.decoder(CONFIG);
                Policy policy = Adapted.policy(decoder, config, Outcome.DEFAULT)) {
            for (int i = 0; i < shifts; i++) {
                Adapted.shift(policy);
            }
            policy.saveAdapter(folder, "base");
            return logits(decoder, Adapter.TRAINED);
        }
    }

    private static void together(Path folder, List<float[]> alone) {
        try (var _ = TensorScope.open("test");
                Decoder decoder = TinyModels.decoder(CONFIG);
                var first = AdapterFolder.open(folder.resolve("0"));
                var second = AdapterFolder.open(folder.resolve("1"));
                var third = AdapterFolder.open(folder.resolve("2"));
                Policy policy = Policy.withAdapter(decoder, first, Outcome.DEFAULT)) {
            List<Adapter> roles =
                    List.of(
                            policy.adapterInUse(),
                            policy.addAdapter(second),
                            policy.addAdapter(third));
            for (int i : new int[] {0, 2, 1, 0}) {
                assertClose("adapter " + i, alone.get(i), logits(decoder, roles.get(i)), 1e-5, 0);
                float[] cached = cached(decoder, roles.get(i));
                float[] last = lastRow(alone.get(i));
                assertClose("adapter " + i + ", cached", last, cached, 1e-5, 0);
                float[] other = lastRow(alone.get((i + 1) % 3));
                assertTrue(distance(other, cached) > 0.01, "alike adapters prove nothing");
            }
        }
    }

    private static float distance(float[] a, float[] b) {
        float most = 0;
        for (int i = 0; i < a.length; i++) {
            most = Math.max(most, Math.abs(a[i] - b[i]));
        }
        return most;
    }

    private static float[] lastRow(float[] logits) {
        int from = logits.length - CONFIG.vocabSize();
        return Arrays.copyOfRange(logits, from, logits.length);
    }

    private static float[] logits(Decoder decoder, Adapter adapter) {
        int[] positions = {0, 1, 2, 3, 4, 5, 6};
        var layout = new Layout(IDS, positions, List.of(new Layout.Span(-1, 0, IDS.length)));
        return Logits.of(decoder, layout, adapter).toFloats();
    }

    private static float[] cached(Decoder decoder, Adapter adapter) {
        try (var cache = new KvCache(decoder, 1, IDS.length)) {
            Tensor logits = new CachedDecoder(decoder, adapter).prefill(cache, 0, IDS);
            return logits.toFloats();
        }
    }
}
