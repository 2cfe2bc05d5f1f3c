package org.attune.model.source;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.HubCache;
import org.attune.files.JsonFields;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.model.config.DecoderConfig;
import org.attune.tensor.DType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

class ModelSourceTest {
    private static final String CONFIG =
            "{\"model_type\":\"llama\",\"hidden_size\":4,\"intermediate_size\":6,"
                    + "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"vocab_size\":5,"
                    + "\"torch_dtype\":\"float32\",\"some_new_key\":{\"a\":[1]}}";

    @TempDir Path root;
    private Path model;

    @BeforeEach
    void writeModel() throws IOException {
        model = Files.createDirectories(root.resolve("hub/models--org--tiny/snapshots/c0ffee"));
        Files.createDirectories(root.resolve("hub/models--org--tiny/refs"));
        Files.writeString(root.resolve("hub/models--org--tiny/refs/main"), "c0ffee");
        Files.writeString(model.resolve("config.json"), CONFIG);
        Files.writeString(model.resolve("tokenizer.json"), "{ \"kept\" : 1 }");
        Files.writeString(model.resolve("trainer_state.json"), "{}");
        SafeTensorsWriter.write(
                model.resolve("model.safetensors"),
                List.of(floats("a", 1, 2), floats("b", 3, 4), floats("c", 5, 6)));
    }

    @Test
    void foldersAndHubNamesOpenTheSameModel() {
        for (String name : List.of(model.toString(), "org/tiny")) {
            try (ModelSource source = open(name)) {
                assertInstanceOf(FolderModel.class, source);
                assertEquals(name, source.nameOrPath());
                assertEquals(model, source.path());
                assertEquals(4, source.config().hiddenSize());
                assertEquals(3, source.tensors().entries().size());
            }
        }
    }

    @Test
    void absentModelsSayWhereAndHow() {
        String message = message("org/absent");
        assertTrue(message.contains("\"org/absent\": no such file or folder"), message);
        assertTrue(message.contains(root.resolve("hub").toString()), message);
        assertTrue(message.contains("`attune download org/absent`"), message);
        assertTrue(message("/no/such/place").contains("no such file or folder"));
    }

    @Test
    void otherThingsAreNamed() throws IOException {
        Path adapter = Files.createDirectory(root.resolve("adapter"));
        Files.writeString(adapter.resolve("adapter_config.json"), "{}");
        assertTrue(message(adapter.toString()).contains("adapter_name_or_path"));
        Path empty = Files.createDirectory(root.resolve("empty"));
        assertTrue(message(empty.toString()).contains("neither config.json nor a .gguf"));
        Path file = Files.writeString(root.resolve("weights.bin"), "x");
        assertTrue(message(file.toString()).contains("ends in .gguf"));
        Files.writeString(empty.resolve("a.gguf"), "x");
        assertTrue(message(empty.toString()).contains("no GGUF file"));
        Files.writeString(empty.resolve("b.gguf"), "x");
        assertTrue(message(empty.toString()).contains("[a.gguf, b.gguf]"));
    }

    @Test
    void exportCopiesCompanionsUnchangedAndShardsWeights() throws IOException {
        Path target = root.resolve("out/export");
        try (ModelSource source = open("org/tiny")) {
            ModelExport.write(target, source, source.config(), copies(source), 16);
        }
        assertEquals(CONFIG, Files.readString(target.resolve("config.json")));
        assertEquals("{ \"kept\" : 1 }", Files.readString(target.resolve("tokenizer.json")));
        assertFalse(Files.exists(target.resolve("trainer_state.json")));
        JsonFields index = JsonFields.read(target.resolve("model.safetensors.index.json"));
        assertEquals(24, index.object("metadata").orElseThrow().integer("total_size"));
        assertEquals(
                "model-00002-of-00002.safetensors",
                index.object("weight_map").orElseThrow().text("c"));
        try (ModelSource copy = open(target.toString());
                Arena arena = Arena.ofConfined()) {
            assertArrayEquals(
                    new float[] {3, 4},
                    copy.tensors().read("b", arena).toArray(ValueLayout.JAVA_FLOAT));
        }
    }

    @Test
    void exportInAnotherTypeSaysSoAndKeepsOtherKeys() throws IOException {
        Path target = root.resolve("export");
        try (ModelSource source = open("org/tiny")) {
            DecoderConfig half = withDtype(source.config(), DType.BFLOAT16);
            ModelExport.write(target, source, half, copies(source), 1 << 20);
            JsonFields written = JsonFields.read(target.resolve("config.json"));
            assertEquals("bfloat16", written.text("torch_dtype"));
            assertTrue(written.has("some_new_key"));
            assertEquals(half, DecoderConfig.read(target));
        }
    }

    @Test
    void exportNeverReplacesWhatIsThere() throws IOException {
        Path target = Files.createDirectory(root.resolve("mine"));
        Files.writeString(target.resolve("thesis.txt"), "years");
        try (ModelSource source = open("org/tiny")) {
            List<Source> tensors = copies(source);
            var error =
                    assertThrows(
                            ModelException.class,
                            () ->
                                    ModelExport.write(
                                            target, source, source.config(), tensors, 1 << 20));
            assertTrue(error.getMessage().contains("not empty"), error.getMessage());
        }
        assertEquals("years", Files.readString(target.resolve("thesis.txt")));
    }

    @Test
    void failedExportsLeaveNothing() throws IOException {
        try (ModelSource source = open("org/tiny")) {
            var wrong = new Source("a", DType.FLOAT32, new long[] {2}, arena -> arena.allocate(3));
            assertThrows(
                    ModelException.class,
                    () ->
                            ModelExport.write(
                                    root.resolve("new/export"),
                                    source,
                                    source.config(),
                                    List.of(wrong),
                                    1 << 20));
        }
        try (Stream<Path> files = Files.list(root.resolve("new"))) {
            assertEquals(0, files.count());
        }
    }

    private ModelSource open(String name) {
        return ModelSource.open(name, "main", new HubCache(root.resolve("hub")));
    }

    private String message(String name) {
        return assertThrows(ModelException.class, () -> open(name).close()).getMessage();
    }

    private static List<Source> copies(ModelSource source) {
        var result = new ArrayList<Source>();
        source.tensors()
                .entries()
                .values()
                .forEach(e -> result.add(Source.copyOf(source.tensors(), e)));
        return result;
    }

    private static Source floats(String name, float... values) {
        return new Source(
                name,
                DType.FLOAT32,
                new long[] {values.length},
                arena -> arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
    }

    private static DecoderConfig withDtype(DecoderConfig c, DType dtype) {
        return new DecoderConfig(
                c.modelType(),
                c.hiddenSize(),
                c.intermediateSize(),
                c.vocabSize(),
                c.layers(),
                c.attention(),
                c.mlpBias(),
                c.activation(),
                c.normEps(),
                c.tieWordEmbeddings(),
                c.rope(),
                c.maxPositionEmbeddings(),
                dtype,
                c.special());
    }
}
