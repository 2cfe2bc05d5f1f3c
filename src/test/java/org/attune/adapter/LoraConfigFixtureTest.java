package org.attune.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.config.MixersConfig;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Which modules PEFT adapts, at which rank, for every recorded adapter.
@Tag("fixtures-engine")
class LoraConfigFixtureTest {
    private static final Pattern ADAPTED =
            Pattern.compile(
                    "base_model\\.model\\.(.*)"
                        + "\\.(lora_A(\\.weight)?|lora_embedding_A|ia3_l|hada_w1_a|lokr_w1(_a)?|oft_R\\.weight|boft_R"
                        + "|fourierft_spectrum|hra_u|vera_lambda_b)");

    @Test
    void matchesTheModulesThatPeftAdapted() throws IOException {
        Path root = Fixtures.fixture("engine/adapters");
        try (var report = new CaseReport("fixtures-engine", getClass());
                Stream<Path> files = Files.walk(root, 3)) {
            for (Path file :
                    files.filter(f -> f.endsWith("adapter_config.json")).sorted().toList()) {
                String name = root.relativize(file.getParent()).toString();
                if (isPrompt(file.getParent())) {
                    report.run(name, () -> AdapterFolder.open(file.getParent()).close());
                } else if (isSupported(file.getParent())) {
                    report.run(name, () -> compare(file.getParent(), root));
                } else {
                    var error =
                            assertThrows(
                                    ModelException.class,
                                    () -> AdapterFolder.open(file.getParent()).close(),
                                    name);
                    assertTrue(error.getMessage().contains("accepted: "), error.getMessage());
                    report.unsupported(name);
                }
            }
        }
    }

    /// PEFT reads the names of `all-linear` by ends of paths; they reach what it adapted itself.
    @Test
    void namesOfAllLinearReachWhatPeftAdapted() throws IOException {
        Path root = Fixtures.fixture("engine/adapters");
        Path folder = root.resolve("lora-all-linear");
        try (AdapterFolder adapter = AdapterFolder.open(folder)) {
            Path base = root.resolveSibling(base(folder));
            Set<String> adapted = pathsOf(adapter.tensors().entries().keySet());
            AdapterConfig written =
                    LoraConfig.of(4, 8, 0, new ModuleSelection.AllLinear())
                            .withTargetsResolved(List.copyOf(adapted), matrices(base));
            assertEquals(7, ((ModuleSelection.Names) written.targets()).names().size());
            assertEquals(adapted, matchedIn(base, written));
        }
    }

    /// Whether an adapter puts virtual tokens before texts, and adapts no modules.
    private static boolean isPrompt(Path folder) {
        return Set.of("PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING")
                .contains(JsonFields.read(folder.resolve("adapter_config.json")).text("peft_type"));
    }

    /// By what the files say, not by what the reader refuses.
    private static boolean isSupported(Path folder) {
        return Set.of(
                        "LORA",
                        "IA3",
                        "LOHA",
                        "LOKR",
                        "OFT",
                        "BOFT",
                        "FOURIERFT",
                        "HRA",
                        "ADALORA",
                        "VERA",
                        "LN_TUNING",
                        "TRAINABLE_TOKENS")
                .contains(JsonFields.read(folder.resolve("adapter_config.json")).text("peft_type"));
    }

    private static void compare(Path folder, Path root) throws IOException {
        try (AdapterFolder adapter = AdapterFolder.open(folder)) {
            Set<String> inFile = pathsOf(adapter.tensors().entries().keySet());
            inFile.removeIf(path -> isParameter(adapter.config(), path));
            Path base = root.resolveSibling(base(folder));
            assertEquals(inFile, matchedIn(base, adapter.config()));
            for (AdapterTarget target : adapter.targets()) {
                if (target instanceof LoraTarget lora) {
                    long[] shape = adapter.tensors().entries().get(lora.nameOfA()).shape();
                    assertEquals(lora.rank(), shape[0], lora.path());
                }
            }
            // What is written means the same.
            Path copy = Files.createTempFile("adapter_config", ".json");
            Files.writeString(copy, adapter.config().toJson());
            assertEquals(
                    matchedIn(base, adapter.config()), matchedIn(base, AdapterConfig.read(copy)));
            Files.delete(copy);
        }
    }

    private static boolean isParameter(AdapterConfig config, String path) {
        return !config.parameters().isEmpty() && config.match(path).isEmpty();
    }

    private static Set<String> pathsOf(Set<String> names) {
        return names.stream()
                .map(ADAPTED::matcher)
                .filter(Matcher::matches)
                .map(m -> m.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String base(Path folder) {
        Path expected = folder.resolve("expected.json");
        return JsonFields.read(
                        Files.exists(expected) ? expected : folder.resolveSibling("expected.json"))
                .text("base");
    }

    /// The base's matrices that the configuration matches.
    private static Set<String> matchedIn(Path base, AdapterConfig config) {
        Set<String> matched = matrices(base);
        List<Integer> originals = MixersConfig.originals(config.replication());
        Set<String> inFiles = Set.copyOf(matched);
        for (int layer = 0; layer < originals.size(); layer++) {
            String copy = "model.layers." + layer + ".";
            String original = "model.layers." + originals.get(layer) + ".";
            inFiles.stream()
                    .filter(path -> path.startsWith(original))
                    .forEach(path -> matched.add(path.replace(original, copy)));
        }
        matched.removeIf(
                path ->
                        (path.endsWith("embed_tokens")
                                        ? config.matchEmbedding(path)
                                        : config.match(path))
                                .isEmpty());
        return matched;
    }

    private static Set<String> matrices(Path base) {
        try (SafeTensorsFile weights = SafeTensorsFile.open(base)) {
            return weights.entries().values().stream()
                    .filter(e -> e.shape().length == 2 && e.name().endsWith(".weight"))
                    .map(e -> e.name().substring(0, e.name().length() - ".weight".length()))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }
}
