package org.attune.trainers.parity;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.images.ImagePipeline;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.TextAssets;
import org.attune.trainers.prepare.SampleTokenizer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Runs of TRL on rows with pictures: SFT, DPO, KTO and GRPO of models that see.
@Tag("fixtures-trl")
class VisionParityFixtureTest {
    private static final List<String> SEEING =
            List.of(
                    "idefics3",
                    "gemma3",
                    "llava",
                    "llava_onevision",
                    "internvl",
                    "mistral3",
                    "qwen2_5_vl",
                    "qwen3_vl");

    /// What these recordings leave out, since it is TRL's default.
    private static final String DEFAULTS =
            """
            {"f_alpha_divergence_coef": 1.0, "discopop_tau": 0.05, "use_weighting": false,
             "sapo_temperature_neg": 1.05, "sapo_temperature_pos": 1.0, "vespo_k_pos": 2.0,
             "vespo_lambda_pos": 3.0, "vespo_k_neg": 3.0, "vespo_lambda_neg": 2.0,
             "multi_objective_aggregation": "sum_then_normalize", "top_entropy_quantile": 1.0,
             "entropy_coef": 0.0, "use_adaptive_entropy": false, "entropy_coef_min": 0.0,
             "entropy_coef_max": 1.0, "entropy_coef_delta": 0.005, "entropy_target": 0.2,
             "reward_functions": ["reward"]}
            """;

    /// TRL 1.16 fills up the types of prompts' tokens on the other side than the prompts, so that
    /// tokens of shorter prompts of Qwen's models get wrong positions in GRPO. Such runs were
    /// computed again by transformers: with the types filled up as TRL does, two of them are TRL's
    /// to 2e-5 in the sums of all weights; recorded are those with right positions.
    private static final String POSITIONS = "/recorded/positions/";

    private static final String KTO = "/recorded/pictures";

    /// Weights, by runs, of which one number's first gradient is rounding: 2e-8 in the first run,
    /// as large as the epsilon of AdamW, so that this number's first step is one by luck, and
    /// others follow. Transformers' own sums move by up to 2e-3 there when weights change by their
    /// last bits. In the second run one number of 192 is 3e-4 away, and no other 1e-5. All steps
    /// of both are compared.
    private static final Map<String, String> BY_ROUNDING =
            Map.of(
                    "sft-qwen2_5_vl-lora-all-linear",
                    "",
                    "dpo-idefics3",
                    "text_model.layers.0.self_attn.q_proj.lora_A.weight");

    @TempDir private Path folder;

    @Test
    void runsWithPicturesAreThoseOfTrl() throws IOException {
        for (String family : SEEING) {
            compare(family, Fixtures.fixture("vision/trl"), ImagePipeline.Options.DEFAULT);
        }
    }

    /// Rows drawn at random, with no picture, one or two; TRL 1.16 with torch 2.10, which has not
    /// the filter of Idefics3, so that Pillow resized there.
    @Test
    void ktoOfRowsWithPicturesIsThatOfTrl() throws IOException {
        Path runs = Path.of(VisionParityFixtureTest.class.getResource(KTO).getPath());
        var pillow = new ImagePipeline.Options(ImagePipeline.Backend.PIL, Map.of());
        compare("idefics3", runs, pillow);
        compare("gemma3", runs, pillow);
        compare("qwen2_5_vl", runs, ImagePipeline.Options.DEFAULT);
    }

    private void compare(String family, Path runs, ImagePipeline.Options options)
            throws IOException {
        Path fixtures = Fixtures.fixture("vision");
        Path root = root(fixtures, runs, family);
        Path model = fixtures.resolve("models").resolve(family);
        try (var text = TextAssets.load(model);
                var report = new CaseReport("fixtures-trl", getClass())) {
            var images = ImagePipeline.open(model, options).orElseThrow();
            var tokenizer = new SampleTokenizer(text.tokenizer(), text.template()).seeing(images);
            Path output = folder.resolve("output");
            ParityFixtureTest.compareAll(root, tokenizer, output, report);
            RolloutParityFixtureTest.compareAll(root, text.tokenizer(), tokenizer, output, report);
        }
    }

    /// A folder of a family's runs whose rows name pictures by whole paths.
    private Path root(Path fixtures, Path runs, String family) throws IOException {
        Path root = Files.createDirectories(folder.resolve(family));
        Files.createSymbolicLink(root.resolve("models"), fixtures.resolve("models"));
        Files.createSymbolicLink(root.resolve("trl"), fixtures.resolve("trl"));
        for (String kind : List.of("parity", "rollouts")) {
            Files.createDirectories(root.resolve(kind));
        }
        for (Path run : Recorded.folders(runs)) {
            if (Arrays.asList(run.getFileName().toString().split("-")).contains(family)
                    && !Recorded.trainer(run).isEmpty()) {
                boolean rolls = Files.exists(run.resolve("rollouts.jsonl"));
                Path own = root.resolve(rolls ? "rollouts" : "parity").resolve(run.getFileName());
                copy(run, Files.createDirectories(own), fixtures.resolve("images"));
            }
        }
        return root;
    }

    private static void copy(Path run, Path own, Path images) throws IOException {
        try (Stream<Path> files = Files.list(run)) {
            for (Path file : files.toList()) {
                Path copy = own.resolve(file.getFileName());
                String name = POSITIONS + run.getFileName() + "/" + file.getFileName();
                if (VisionParityFixtureTest.class.getResource(name) != null) {
                    try (var again = VisionParityFixtureTest.class.getResourceAsStream(name)) {
                        Files.copy(again, copy);
                    }
                } else if (file.endsWith("data.jsonl")) {
                    Files.writeString(copy, placed(file, images));
                } else if (file.endsWith("rollouts.jsonl")) {
                    Files.writeString(copy, ordered(file));
                } else if (file.endsWith("expected-weights.json")) {
                    Files.writeString(copy, steady(file));
                } else if (file.endsWith("config.json")) {
                    ObjectNode all = (ObjectNode) new ObjectMapper().readTree(DEFAULTS);
                    all.setAll((ObjectNode) Recorded.json(file));
                    Files.writeString(copy, all.toString());
                } else if (Files.isRegularFile(file)) {
                    Files.copy(file, copy);
                }
            }
        }
    }

    /// Completions of a round in the order of the rows. TRL had drawn another order of prompts, on
    /// which nothing depends, as a round is one micro-batch.
    private static String ordered(Path file) throws IOException {
        List<ObjectNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            lines.add((ObjectNode) new ObjectMapper().readTree(line));
        }
        List<JsonNode> prompts = lines.stream().map(l -> l.get("prompt_ids")).distinct().toList();
        lines.sort(
                Comparator.comparingInt((ObjectNode line) -> line.get("generation").asInt())
                        .thenComparingInt(line -> prompts.indexOf(line.get("prompt_ids"))));
        var text = new StringBuilder();
        int row = 0;
        int round = 0;
        for (ObjectNode line : lines) {
            row = line.get("generation").asInt() == round ? row : 0;
            round = line.get("generation").asInt();
            line.put("row", row++).put("prompt_index", prompts.indexOf(line.get("prompt_ids")));
            text.append(line).append('\n');
        }
        return text.toString();
    }

    private static String steady(Path file) {
        ObjectNode weights = (ObjectNode) Recorded.json(file);
        String end = BY_ROUNDING.get(file.getParent().getFileName().toString());
        weights.forEachEntry(
                (name, numbers) -> {
                    if (end != null && name.endsWith(end)) {
                        ((ObjectNode) numbers).removeAll();
                    }
                });
        return weights.toString();
    }

    private static String placed(Path file, Path images) throws IOException {
        var mapper = new ObjectMapper();
        var lines = new StringBuilder();
        for (String line : Files.readAllLines(file)) {
            ObjectNode row = (ObjectNode) mapper.readTree(line);
            if (row.has("image")) {
                row.put("image", images.resolve(row.get("image").asText()).toString());
            }
            if (row.get("images") instanceof ArrayNode names) {
                ArrayNode paths = row.putArray("images");
                for (JsonNode name : names) {
                    paths.add(images.resolve(name.asText()).toString());
                }
            }
            lines.append(row).append('\n');
        }
        return lines.toString();
    }
}
