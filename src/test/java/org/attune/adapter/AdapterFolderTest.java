package org.attune.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.HubCache;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class AdapterFolderTest {
    private static final String Q = "model.layers.0.self_attn.q_proj";
    private static final String A = "base_model.model." + Q + ".lora_A.weight";
    private static final String B = "base_model.model." + Q + ".lora_B.weight";

    @TempDir Path root;

    @Test
    void whatIsWrittenOpens() {
        write(matrix(A, 2, 4), matrix(B, 6, 2), matrix("base_model.model.lm_head.weight", 5, 4));
        try (AdapterFolder adapter = AdapterFolder.open(root)) {
            assertEquals(List.of(new LoraTarget(Q, 2, 3, 1.5, 0, false)), adapter.targets());
            var names = adapter.targets().getFirst().tensors(6, 4).stream().map(t -> t.name());
            assertEquals(List.of(A, B), names.toList());
            assertEquals(
                    Map.of("lm_head.weight", AdapterTarget.nameOfSaved("lm_head.weight")),
                    adapter.savedTensors());
        }
    }

    @Test
    void untouchedBaseWeightsAreIgnored() {
        write(
                matrix(A, 2, 4),
                matrix(B, 6, 2),
                matrix("base_model.model.model.embed_tokens.base_layer.weight", 5, 4));
        try (AdapterFolder adapter = AdapterFolder.open(root)) {
            assertEquals(Map.of(), adapter.savedTensors());
        }
    }

    @Test
    void tensorsThatDontFitAreNamed() {
        refuses("but not \"" + B, matrix(A, 2, 4));
        refuses("but not \"" + A, matrix(B, 6, 2));
        refuses("it is [2, any]", matrix(A, 3, 4), matrix(B, 6, 3));
        refuses(
                "not understood",
                matrix(A.replace("q_proj", "v_proj"), 2, 4),
                matrix(B.replace("q_proj", "v_proj"), 6, 2));
        refuses("not understood", matrix("base_model.model." + Q + ".lora_magnitude_vector", 6));
        refuses("names begin with", matrix("model.norm.weight", 4));
    }

    @Test
    void absentAdaptersSayHow() throws IOException {
        String message =
                assertThrows(
                                ModelException.class,
                                () -> AdapterFolder.open("org/a", new HubCache(root)).close())
                        .getMessage();
        assertTrue(message.contains("`attune download org/a`"), message);
        message =
                assertThrows(ModelException.class, () -> AdapterFolder.open(root).close())
                        .getMessage();
        assertTrue(message.contains("holds no adapter_config.json"), message);
        Files.writeString(root.resolve("adapter_config.json"), config().toJson());
        message =
                assertThrows(ModelException.class, () -> AdapterFolder.open(root).close())
                        .getMessage();
        assertTrue(message.contains("holds no adapter_model.safetensors"), message);
    }

    private void write(Source... tensors) {
        AdapterFolder.write(root, config(), List.of(tensors));
    }

    private void refuses(String message, Source... tensors) {
        write(tensors);
        var error = assertThrows(ModelException.class, () -> AdapterFolder.open(root).close());
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    private static LoraConfig config() {
        LoraConfig plain = LoraConfig.of(2, 3, 0, new ModuleSelection.Names(List.of("q_proj")));
        return new LoraConfig(
                plain.rank(),
                plain.alpha(),
                plain.dropout(),
                false,
                false,
                plain.targets(),
                plain.excluded(),
                List.of(),
                List.of(),
                Map.of(),
                Map.of(),
                List.of("lm_head"),
                false,
                plain.initialisation(),
                plain.taskType(),
                plain.baseModel());
    }

    private static Source matrix(String name, long... shape) {
        long count = 1;
        for (long size : shape) {
            count *= size;
        }
        long bytes = 4 * count;
        return new Source(name, DType.FLOAT32, shape, arena -> arena.allocate(bytes));
    }
}
