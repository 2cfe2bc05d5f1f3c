package org.attune.model.config;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.source.ModelSource;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Configurations in both styles, and from GGUF, against each other and against the weights.
@Tag("fixtures-engine")
class DecoderConfigFixtureTest {
    private static final Set<String> SUPPORTED =
            Families.TABLE.stream().map(DecoderFamily::modelType).collect(Collectors.toSet());

    @Test
    void bothStylesAndTheWeightsAgree() throws IOException {
        Path models = Fixtures.fixture("engine/models");
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (Path folder : folders(models)) {
                JsonFields json = ConfigJson.textOf(JsonFields.read(folder.resolve("config.json")));
                if (SUPPORTED.contains(json.text("model_type"))) {
                    report.run(name(folder), () -> compare(folder));
                } else {
                    report.unsupported(name(folder));
                    refuses(folder, json.text("model_type"));
                }
            }
            for (Path folder : folders(Fixtures.fixture("engine/gguf/models"))) {
                report.run("gguf/" + name(folder), () -> compareGguf(folder));
            }
        }
    }

    private static void compare(Path folder) {
        DecoderConfig config = DecoderConfig.read(folder);
        Path legacy = folder.resolve("config.legacy.json");
        if (Files.exists(legacy)) {
            assertEquals(config, DecoderConfig.read(legacy));
        }
        if (JsonFields.read(folder.resolve("config.json")).has("text_config")) {
            return; // tensors have other names
        }
        try (SafeTensorsFile weights = SafeTensorsFile.open(folder)) {
            agreesWithWeights(config, weights.entries());
        }
    }

    private static void compareGguf(Path folder) throws IOException {
        DecoderConfig expected = DecoderConfig.read(folder);
        try (Stream<Path> all = Files.list(folder)) {
            List<Path> files = all.filter(f -> f.toString().endsWith(".gguf")).toList();
            assertFalse(files.isEmpty(), folder + " has no GGUF file");
            for (Path path : files) {
                try (ModelSource source = ModelSource.open(path.toString())) {
                    DecoderConfig config = source.config();
                    agreesWithWeights(config, source.tensors().entries());
                    assertEquals(expected.modelType(), config.modelType());
                    assertEquals(expected.attention(), config.attention());
                    assertEquals(expected.tieWordEmbeddings(), config.tieWordEmbeddings());
                    assertEquals(expected.normEps(), config.normEps(), 1e-12);
                    assertEquals(expected.special().eos(), config.special().eos());
                    assertArrayEquals(
                            RopeTable.of(expected.rope(), expected.headDim(), 1)
                                    .inverseFrequencies(),
                            RopeTable.of(config.rope(), config.headDim(), 1).inverseFrequencies(),
                            1e-7);
                }
            }
        }
    }

    private static void agreesWithWeights(
            DecoderConfig config, Map<String, TensorFile.Entry> weights) {
        TensorNames names = config.names();
        boolean whole = weights.containsKey(names.embeddingPath() + ".weight");
        int cut = whole ? 0 : names.trunk().length() + 1; // GPT-2's original files
        String block = names.block(0).substring(cut);
        long hidden = config.hiddenSize();
        long queries = (long) config.heads() * config.headDim();
        long keys = (long) config.kvHeads() * config.headDim();
        long all = names.qkv().size() == 1 ? queries + 2 * keys : queries;
        String embedding = names.embeddingPath().substring(cut);
        hasShape(weights, embedding + ".weight", config.vocabSize(), hidden);
        if (isMixed(config)) {
            return; // blocks of other parts
        }
        String q = block + names.qkv().getFirst();
        hasMatrix(config, weights, q, all, hidden);
        hasMatrix(config, weights, block + names.output(), hidden, queries);
        boolean dense = config.block().feedForward().experts(0).isEmpty();
        String down = block + names.down();
        if (dense) {
            hasMatrix(config, weights, down, hidden, config.intermediateSize());
        }
        assertEquals(config.attention().qkvBias(), weights.containsKey(q + ".bias"));
        assertEquals(
                config.attention().outputBias(),
                weights.containsKey(block + names.output() + ".bias"));
        assertEquals(config.mlpBias(), weights.containsKey(down + ".bias"));
        assertEquals(
                config.attention().qkNorm() != QkNorm.NONE
                        && config.attention().qkNorm() != QkNorm.ROTATED_BARE
                        && config.block().norm().isWeighted(),
                names.qkNorms().stream()
                        .anyMatch(
                                norm ->
                                        weights.containsKey(block + norm + ".weight")
                                                || weights.containsKey(
                                                        block + norm + ".0.weight")));
        assertEquals(config.dtype(), weights.get(q + ".weight").dtype());
        String output = names.output() + ".weight";
        int last = config.layers() - 1;
        assertTrue(weights.containsKey(names.block(last).substring(cut) + output));
        assertTrue(!weights.containsKey(names.block(last + 1).substring(cut) + output));
        assertTrue(config.tieWordEmbeddings() || weights.containsKey(names.head() + ".weight"));
    }

    private static boolean isMixed(DecoderConfig config) {
        return config.keepsState()
                || config.attention().gated()
                || config.attention().varied().isPresent()
                || config.attention().latent().isPresent();
    }

    private static void hasMatrix(
            DecoderConfig config,
            Map<String, TensorFile.Entry> weights,
            String path,
            long out,
            long in) {
        boolean transposed = config.names().transposed();
        hasShape(weights, path + ".weight", transposed ? in : out, transposed ? out : in);
    }

    private static void hasShape(
            Map<String, TensorFile.Entry> weights, String name, long... shape) {
        assertArrayEquals(shape, weights.get(name).shape(), name);
    }

    private static void refuses(Path folder, String modelType) {
        var error = assertThrows(ModelException.class, () -> DecoderConfig.read(folder));
        assertTrue(error.getMessage().contains("\"" + modelType + "\""), error.getMessage());
        assertTrue(error.getMessage().contains("supported: [llama"), error.getMessage());
    }

    private static List<Path> folders(Path root) throws IOException {
        try (Stream<Path> folders = Files.list(root)) {
            return folders.filter(Files::isDirectory).sorted().toList();
        }
    }

    private static String name(Path folder) {
        return folder.getFileName().toString();
    }
}
