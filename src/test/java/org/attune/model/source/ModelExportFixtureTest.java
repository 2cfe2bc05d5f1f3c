package org.attune.model.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.files.JsonFields;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.RopeConfig;
import org.attune.model.config.RopeTable;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// What is exported is what was read.
@Tag("fixtures-engine")
class ModelExportFixtureTest {
    private static final Set<String> SUPPORTED = Set.of("llama", "mistral", "qwen2", "qwen3");

    @TempDir Path temp;

    @Test
    void exportedModelsReadBackEqual() throws IOException {
        Path models = Fixtures.fixture("engine/models");
        Path ggufs = Fixtures.fixture("engine/gguf/models");
        try (var report = new CaseReport("fixtures-engine", getClass());
                Stream<Path> folders = Files.list(models);
                Stream<Path> files = Files.walk(ggufs, 2)) {
            for (Path folder : folders.sorted().toList()) {
                JsonFields json = JsonFields.read(folder.resolve("config.json"));
                if (SUPPORTED.contains(json.text("model_type"))) {
                    report.run(folder.getFileName().toString(), () -> roundTrip(folder));
                } else {
                    report.unsupported(folder.getFileName().toString());
                }
            }
            for (Path file : files.filter(f -> f.toString().endsWith(".gguf")).sorted().toList()) {
                report.run(ggufs.relativize(file).toString(), () -> roundTrip(file));
            }
        }
    }

    private void roundTrip(Path path) throws IOException {
        Path target = temp.resolve("export-" + path.toString().replace('/', '-'));
        try (ModelSource source = ModelSource.open(path.toString())) {
            List<Source> tensors =
                    source.tensors().entries().values().stream()
                            .map(e -> Source.copyOf(source.tensors(), e))
                            .toList();
            ModelExport.write(target, source, source.config(), tensors, 40_000);
            try (ModelSource copy = ModelSource.open(target.toString())) {
                compare(source, copy);
            }
            assertTrue(Files.exists(target.resolve("model.safetensors.index.json")));
        }
    }

    private static void compare(ModelSource source, ModelSource copy) {
        DecoderConfig a = source.config();
        DecoderConfig b = copy.config();
        assertEquals(withoutRope(a), withoutRope(b));
        double[] f = RopeTable.of(a.rope(), a.headDim(), 1000).inverseFrequencies();
        double[] g = RopeTable.of(b.rope(), b.headDim(), 1000).inverseFrequencies();
        for (int i = 0; i < f.length; i++) {
            assertEquals(f[i], g[i], 1e-6 * f[i]);
        }
        assertEquals(source.tensors().entries().keySet(), copy.tensors().entries().keySet());
        for (TensorFile.Entry entry : source.tensors().entries().values()) {
            try (Arena arena = Arena.ofConfined()) {
                assertEquals(entry.dtype(), copy.tensors().entries().get(entry.name()).dtype());
                assertEquals(
                        -1,
                        source.tensors()
                                .read(entry.name(), arena)
                                .mismatch(copy.tensors().read(entry.name(), arena)),
                        entry.name());
            }
        }
    }

    /// GGUF's divisors of frequencies are written as the named scaling that gives them.
    private static DecoderConfig withoutRope(DecoderConfig c) {
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
                RopeConfig.of(c.rope().theta()),
                c.maxPositionEmbeddings(),
                c.dtype(),
                c.special());
    }
}
