package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// PEFT writes rows of a tied embedding twice where they are all of an adapter.
class TiedRowsTest {
    @TempDir Path folder;

    @Test
    void rowsOfATiedOutputLayerAreTheEmbeddings() {
        var config = AdapterConfig.Tokens.of("test", Map.of("token_indices", List.of(1, 2, 8)));
        Adapted.fresh(
                TinyModels.tiedLlama(),
                config,
                policy -> {
                    Adapted.shift(policy);
                    float[] own = Outcome.logProbs(policy, forest(policy));
                    assertArrayEquals(own, repeated(policy, 1f));
                    var e = assertThrows(ModelException.class, () -> repeated(policy, 2f));
                    assertTrue(e.getMessage().contains("lm_head"), e.getMessage());
                });
    }

    private static TokenForest forest(Policy policy) {
        return Adapted.piece(policy.decoder().config(), 7).forest();
    }

    /// What a policy's adapter computes when its file has the rows for the output layer too.
    private float[] repeated(Policy policy, float factor) {
        List<Source> sources = new ArrayList<>();
        for (var p : policy.parameters().parameters()) {
            float[] values = policy.parameters().value(p).toFloats();
            float[] other = values.clone();
            other[0] *= factor;
            sources.add(source(p.name(), p.shape(), values));
            sources.add(
                    source(p.name().replace("model.embed_tokens", "lm_head"), p.shape(), other));
        }
        AdapterFolder.write(folder, policy.adapter().orElseThrow(), sources);
        try (AdapterFolder adapter = AdapterFolder.open(folder);
                Decoder decoder = TinyModels.decoder(policy.decoder().config());
                Policy other = Policy.withAdapter(decoder, adapter, Outcome.DEFAULT)) {
            return Outcome.logProbs(other, forest(policy));
        }
    }

    private static Source source(String name, long[] shape, float[] values) {
        return new Source(
                name,
                DType.FLOAT32,
                shape,
                arena -> arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
    }
}
