package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraTarget;
import org.attune.error.ModelException;
import org.attune.files.gguf.GgufFile;
import org.attune.files.gguf.GgufType;
import org.attune.model.layer.Decoder;
import org.attune.model.source.GgufAdapter;
import org.attune.model.source.GgufExport;
import org.attune.model.source.GgufFileType;
import org.attune.model.source.ModelExport;
import org.attune.model.source.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// What was read from files of llama.cpp's converter is written as it stands in them.
class GgufExportTest {
    private static final Path FOLDER = Fixtures.own("src/test/resources/recorded/gguf");

    @TempDir Path temp;

    @Test
    void tensorsAndKeysAreThoseOfTheConverter() throws IOException {
        try (var report = new CaseReport("GGUF files written again", getClass()).requiring(11);
                Stream<Path> files = Files.list(FOLDER)) {
            for (Path file : files.filter(GgufExportTest::isWritten).sorted().toList()) {
                String name = file.getFileName().toString();
                report.run(name, () -> Engine.run(() -> check(name, file)));
            }
        }
    }

    /// llama.cpp knows Gemma 3n of more layers only.
    private static boolean isWritten(Path file) {
        return file.toString().endsWith(".gguf") && !file.endsWith("gemma3n.gguf");
    }

    private void check(String name, Path file) {
        Path target = temp.resolve(name);
        write(file, target, GgufFileType.F32);
        try (var old = GgufFile.open(file);
                var written = GgufFile.open(target)) {
            assertEquals(old.entries().keySet(), written.entries().keySet());
            for (String tensor : old.entries().keySet()) {
                assertArrayEquals(
                        old.entries().get(tensor).shape(),
                        written.entries().get(tensor).shape(),
                        tensor);
                // Logarithms and sums that are taken and given back may lose a bit.
                assertArrayEquals(floats(old, tensor), floats(written, tensor), 1e-6f, tensor);
            }
            String prefix = old.metadata().text("general.architecture") + ".";
            old.metadata()
                    .values()
                    .forEach(
                            (key, value) -> {
                                if (key.startsWith(prefix) && !isSaidOtherwise(key)) {
                                    assertSaid(key, value, written.metadata().values().get(key));
                                }
                            });
        }
    }

    /// The converter writes an absent scaling too, windows that llama.cpp leaves out with the whole
    /// length, the family's usual interval whatever the layers are, usual sections of positions,
    /// and a length of Kimi Linear's values that none of its layers has.
    private static boolean isSaidOtherwise(String key) {
        return key.endsWith("rope.scaling.type")
                || key.equals("phi3.context_length")
                || key.equals("kimi-linear.attention.value_length")
                || key.endsWith("full_attention_interval")
                || key.endsWith("rope.dimension_sections");
    }

    private static void assertSaid(String key, Object value, Object written) {
        if (value instanceof Float number && written instanceof Float other) {
            assertEquals(number, other, 1e-6f * Math.abs(number), key);
        } else if (written != null) {
            assertEquals(value, written, key);
        } else {
            assertTrue(value instanceof List || isUsual(value), key + " " + value + " is missing");
        }
    }

    private static boolean isUsual(Object value) {
        return value.equals(0L) || value.equals(0f) || value.equals(1f) || value.equals(10000f);
    }

    private static float[] floats(GgufFile file, String tensor) {
        try (Arena arena = Arena.ofConfined()) {
            var data = file.read(tensor, arena);
            DType dtype = file.entries().get(tensor).dtype();
            if (dtype == DType.FLOAT32) {
                return data.toArray(ValueLayout.JAVA_FLOAT);
            }
            short[] halves = data.toArray(ValueLayout.JAVA_SHORT);
            float[] values = new float[halves.length];
            for (int i = 0; i < values.length; i++) {
                values[i] =
                        dtype == DType.FLOAT16
                                ? Float.float16ToFloat(halves[i])
                                : Float.intBitsToFloat(halves[i] << 16);
            }
            return values;
        }
    }

    @Test
    void matricesGetTheTypeAndVectorsStayFloats() {
        Path target = temp.resolve("f16.gguf");
        Engine.run(() -> write(FOLDER.resolve("mixtral.gguf"), target, GgufFileType.F16));
        try (var written = GgufFile.open(target)) {
            assertEquals(GgufType.F16, written.type("blk.0.attn_q.weight"));
            assertEquals(GgufType.F16, written.type("blk.0.ffn_down_exps.weight"));
            assertEquals(GgufType.F32, written.type("blk.0.ffn_gate_inp.weight"));
            assertEquals(GgufType.F32, written.type("blk.0.attn_norm.weight"));
            assertEquals(1L, written.metadata().values().get("general.file_type"));
        }
    }

    @Test
    void adaptersHaveTheRowsOfTheFile() {
        Path base = FOLDER.resolve("mixtral.gguf");
        Path file = temp.resolve("lora.gguf");
        Path folder = temp.resolve("lora");
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var source = ModelSource.open(base.toString());
                            var decoder = load(source)) {
                        var config = Adapted.config(List.of("q_proj"), List.of(), false, 0);
                        try (Policy policy = Outcome.lora(decoder, config, Outcome.PLAIN)) {
                            policy.saveAdapter(folder, "base");
                        }
                        try (var adapter = AdapterFolder.open(folder)) {
                            new GgufAdapter(source.config(), GgufFileType.F32)
                                    .write(
                                            file,
                                            "lora",
                                            Policy.modules(
                                                    decoder, Optional.empty(), DType.FLOAT32),
                                            adapter);
                        }
                    }
                });
        try (var written = GgufFile.open(file);
                var adapter = AdapterFolder.open(folder)) {
            var target = (LoraTarget) adapter.targets().getFirst();
            float[] own = values(adapter, target.nameOfB());
            float[] inFile = floats(written, "blk.0.attn_q.weight.lora_b");
            assertArrayEquals(
                    values(adapter, target.nameOfA()),
                    floats(written, "blk.0.attn_q.weight.lora_a"));
            int rank = target.rank();
            int half = own.length / rank / 2 / 2; // of a head, of which there are two
            for (int column = 0; column < rank; column++) {
                // The second row of a file's head is the first of the model's second half.
                assertEquals(own[half * rank + column], inFile[rank + column]);
                assertEquals(own[rank + column], inFile[2 * rank + column]);
            }
            double scale = (Float) written.metadata().values().get("adapter.lora.alpha") / rank;
            assertEquals(target.scaling(), scale, 1e-6);
        }
    }

    private static float[] values(AdapterFolder adapter, String name) {
        try (Arena arena = Arena.ofConfined()) {
            return adapter.tensors().read(name, arena).toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    @Test
    void whatTheArchitectureCantSayIsRefusedBeforeMatricesAreWritten() throws IOException {
        Path folder = temp.resolve("folder");
        try (var model = ModelSource.open(FOLDER.resolve("gemma3.gguf").toString())) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                var decoder = load(model)) {
                            ModelExport.write(
                                    folder,
                                    model,
                                    model.config().withDtype(DType.FLOAT32),
                                    Policy.weights(decoder, DType.FLOAT32),
                                    1 << 30);
                        }
                    });
        }
        Path json = folder.resolve("config.json");
        String changed =
                Files.readString(json)
                        .replaceFirst(
                                "\"query_pre_attn_scalar\" ?: ?\\d+",
                                "\"query_pre_attn_scalar\": 11");
        Files.writeString(json, changed);
        var e =
                assertThrows(
                        ModelException.class,
                        () ->
                                Engine.run(
                                        () ->
                                                write(
                                                        folder,
                                                        temp.resolve("no.gguf"),
                                                        GgufFileType.F32)));
        assertTrue(e.getMessage().contains("block.attention.scale"), e.getMessage());
    }

    private static Decoder load(ModelSource source) {
        return Decoder.load(source.config(), source.tensors(), Devices.usual(), DType.FLOAT32);
    }

    /// Writes a model with a made-up vocabulary.
    static int write(Path model, Path target, GgufFileType type) {
        try (var _ = TensorScope.open("test");
                var source = ModelSource.open(model.toString());
                var decoder = load(source)) {
            int size = source.config().vocabSize();
            var text = new LinkedHashMap<String, Object>();
            text.put("tokenizer.ggml.model", "gpt2");
            text.put("tokenizer.ggml.pre", "gpt-2");
            // llama.cpp looks for a line's end.
            text.put(
                    "tokenizer.ggml.tokens",
                    Stream.iterate(0, i -> i + 1)
                            .limit(size)
                            .map(i -> i == 0 ? "Ċ" : "t" + i)
                            .toList());
            text.put("tokenizer.ggml.merges", List.of());
            source.config()
                    .special()
                    .bos()
                    .ifPresent(id -> text.put("tokenizer.ggml.bos_token_id", (long) id));
            if (!source.config().special().eos().isEmpty()) {
                long eos = source.config().special().eos().getFirst();
                text.put("tokenizer.ggml.eos_token_id", eos);
            }
            return new GgufExport(source.config(), text, type, Map.of())
                    .write(
                            target,
                            "model",
                            Policy.modules(decoder, Optional.empty(), DType.FLOAT32));
        }
    }
}
