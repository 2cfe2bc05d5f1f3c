package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Logits;
import org.attune.model.source.GgufFileType;
import org.attune.model.source.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

/// GGUF files of models of all families compute what the models do, or the family is refused.
@Tag("fixtures-engine")
class GgufExportFixtureTest {
    private static final int LENGTH = 20;

    @TempDir Path temp;

    @Test
    void writtenFilesComputeWhatTheirModelsDo() {
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (Path folder : Recorded.folders(Fixtures.fixture("engine/models"))) {
                String name = folder.getFileName().toString();
                try {
                    int context = written(folder, temp.resolve(name + ".gguf"));
                    report.run(
                            name,
                            () ->
                                    Engine.run(
                                            () ->
                                                    compare(
                                                            folder,
                                                            temp.resolve(name + ".gguf"),
                                                            context)));
                } catch (ModelException e) {
                    assertTrue(
                            e.getMessage().contains("GGUF") || e.getMessage().contains("llama.cpp"),
                            e.getMessage());
                    report.unsupported(name);
                }
            }
        }
    }

    private static int written(Path folder, Path file) {
        return Engine.call(() -> GgufExportTest.write(folder, file, GgufFileType.F32));
    }

    private static void compare(Path model, Path file, int context) {
        int[] ids =
                IntStream.range(0, Math.min(LENGTH, context)).map(i -> i * 7 % 23 + 2).toArray();
        float[] own = logits(model, ids);
        float[] read = logits(file, ids);
        float largest = 0;
        for (int i = 0; i < own.length; i++) {
            largest = Math.max(largest, Math.abs(own[i] - read[i]));
        }
        assertTrue(largest <= 1e-5, Arrays.toString(ids) + " " + largest);
    }

    private static float[] logits(Path model, int[] ids) {
        try (var _ = TensorScope.open("test");
                var source = ModelSource.open(model.toString());
                var decoder =
                        Decoder.load(
                                source.config(),
                                source.tensors(),
                                Devices.usual(),
                                DType.FLOAT32)) {
            var layout = RecordedModelsTest.layout(ids, ids.length);
            return Logits.of(decoder, layout, Adapter.OFF).toFloats();
        }
    }
}
