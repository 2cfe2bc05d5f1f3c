package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.source.GgufAdapter;
import org.attune.model.source.GgufFileType;
import org.attune.model.source.ModelExport;
import org.attune.model.source.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Writes random adapters and merged models for `bench/interop`, which reads them with PEFT and
/// transformers and compares logits with those that are written beside them.
@Tag("interop")
class InteropWritesTest {
    private static final double NOISE = 0.15;

    @Test
    void everyAskedAdapter() {
        try (var report = new CaseReport("interop", getClass())) {
            for (Path folder : Recorded.folders(Fixtures.fixture("engine/asked"))) {
                String name = folder.getFileName().toString();
                try {
                    Engine.run(() -> write(folder));
                    report.run(name, () -> {});
                } catch (ConfigException | ModelException e) {
                    System.out.println(name + " is refused: " + e.getMessage());
                    report.unsupported(name);
                }
            }
        }
    }

    @Test
    void everyModelAsGguf() {
        try (var report = new CaseReport("interop as GGUF", getClass())) {
            for (Path folder : Recorded.folders(Fixtures.fixture("engine/models"))) {
                String name = folder.getFileName().toString();
                Path file = folder.resolve("attune.gguf");
                try {
                    Files.deleteIfExists(file);
                    Engine.run(() -> GgufExportTest.write(folder, file, GgufFileType.F32));
                    report.run(name, () -> {});
                } catch (ModelException e) {
                    System.out.println(name + " is refused: " + e.getMessage());
                    Files.deleteIfExists(file);
                    report.unsupported(name);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(Path folder) {
        String base = Recorded.json(folder.resolve("asked.json")).path("base").asText();
        Path model = folder.resolve("../..").resolve(base).normalize();
        ModelSource source =
                ModelSource.open(model.toString())
                        .repeating(AdapterConfig.read(folder).replication());
        DecoderConfig config = source.config();
        var random = TinyModels.random(folder.getFileName().toString());
        try (var _ = TensorScope.open("test");
                var file = SafeTensorsFile.open(model);
                var decoder = Decoder.load(config, file, Devices.usual(), DType.FLOAT32);
                var policy =
                        Policy.withFreshAdapter(
                                decoder, AdapterConfig.read(folder), random, Outcome.DEFAULT);
                var expected = Recorded.tensors(model.resolve("expected.safetensors"))) {
            disturb(policy.parameters(), random);
            policy.saveAdapter(folder.resolve("adapter"), base);
            writeGguf(folder, config, decoder);
            if (policy.adapter().orElseThrow().virtualTokens().isEmpty()) {
                ModelExport.write(
                        folder.resolve("merged"),
                        source,
                        policy.mergedConfig(DType.FLOAT32),
                        policy.weights(DType.FLOAT32),
                        ModelExport.DEFAULT_SHARD_BYTES);
            }
            int length = (int) expected.shape("input_ids")[1];
            int[] ids = expected.ints("input_ids");
            Tensor logits = RecordedAdaptersTest.logits(decoder, ids, length, Adapter.TRAINED);
            SafeTensorsWriter.write(
                    folder.resolve("attune.safetensors"),
                    List.of(StateTensors.source("logits", logits)));
        }
    }

    private static void writeGguf(Path folder, DecoderConfig config, Decoder decoder) {
        Path file = folder.resolve("attune.gguf");
        try (var adapter = AdapterFolder.open(folder.resolve("adapter"))) {
            Files.deleteIfExists(file);
            new GgufAdapter(config, GgufFileType.F32)
                    .write(
                            file,
                            "adapter",
                            Policy.modules(decoder, Optional.empty(), DType.FLOAT32),
                            adapter);
        } catch (ModelException e) {
            System.out.println(folder.getFileName() + " as GGUF is refused: " + e.getMessage());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void disturb(FlatParameters flat, UniformRandomProvider random) {
        for (var p : flat.parameters()) {
            float[] values = flat.value(p).toFloats();
            for (int i = 0; i < values.length; i++) {
                values[i] += (float) (NOISE * (2 * random.nextDouble() - 1));
            }
            flat.write(p, values);
        }
        flat.valuesChanged();
    }
}
