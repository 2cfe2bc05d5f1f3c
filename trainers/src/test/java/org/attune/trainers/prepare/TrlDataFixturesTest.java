package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.InterpreterChoice;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.RowInterpreter;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.rows.JsonValues;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.text.TextAssets;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.KtoExample;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.RewardExample;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.layout.PreferenceForest;
import org.attune.trainers.layout.SftForest;
import org.attune.trainers.layout.TargetRange;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/// TRL's preprocessing of SFT and DPO rows: tokens, masks, truncation, filters, packing and what
/// the collator hands to the model (without its padding).
@Tag("fixtures-trl")
class TrlDataFixturesTest {
    private static final Set<String> OTHERS_TESTS =
            Set.of("chat-template", "tokenizer", "conversions");
    private static final int IGNORED = -100;

    @Test
    void preparesRowsAsTrlDoes() throws IOException {
        Path dir = Fixtures.fixture("trl/data");
        List<Path> files;
        try (Stream<Path> all = Files.list(dir)) {
            files = all.filter(file -> file.toString().endsWith(".json")).sorted().toList();
        }
        try (var assets = TextAssets.load(Fixtures.fixture("trl/model"));
                var report = new CaseReport("fixtures-trl", getClass())) {
            var tokenizer = new SampleTokenizer(assets.tokenizer(), assets.template());
            for (Path file : files) {
                String name = file.getFileName().toString().replace(".json", "");
                Object fixture = JsonValues.parse(Files.readString(file), name);
                if (name.equals("packing")) {
                    int number = 0;
                    for (Object table : (List<?>) fixture) {
                        report.run("packing[" + number++ + "]", () -> packing((Map<?, ?>) table));
                    }
                } else if (fixture instanceof Map<?, ?> map && "sft".equals(map.get("trainer"))) {
                    report.run(name, () -> sft(name, map, tokenizer));
                } else if (fixture instanceof Map<?, ?> map && "dpo".equals(map.get("trainer"))) {
                    report.run(name, () -> dpo(name, map, tokenizer));
                } else if (fixture instanceof Map<?, ?> map
                        && "reward".equals(map.get("trainer"))) {
                    report.run(name, () -> reward(name, map, tokenizer));
                } else if (fixture instanceof Map<?, ?> map && "kto".equals(map.get("trainer"))) {
                    report.run(name, () -> kto(name, map, tokenizer));
                } else if (OTHERS_TESTS.contains(name) || isOthers(fixture)) {
                    report.elsewhere();
                } else {
                    report.unsupported(name);
                }
            }
        }
    }

    private static boolean isOthers(Object fixture) {
        return fixture instanceof Map<?, ?> map
                && Set.of("orpo", "cpo", "tpo").contains(map.get("trainer"));
    }

    private static void packing(Map<?, ?> table) {
        Map<?, ?> input = (Map<?, ?>) table.get("input");
        var documents = new ArrayList<SftExample>();
        List<?> labels = (List<?>) input.get("labels");
        for (int i = 0; i < labels.size(); i++) {
            int[] label = ints(labels.get(i));
            boolean[] mask = new boolean[label.length];
            for (int j = 0; j < mask.length; j++) {
                mask[j] = label[j] != IGNORED;
            }
            documents.add(
                    new SftExample(
                            ints(((List<?>) input.get("input_ids")).get(i)),
                            mask,
                            new RowOrigin("packing", 0, i)));
        }
        List<PackedRow> rows =
                Packing.pack(
                        documents,
                        Math.toIntExact((long) table.get("length")),
                        strategy((String) table.get("strategy")));
        Map<?, ?> output = (Map<?, ?>) table.get("output");
        assertEquals(output.get("input_ids"), rows.stream().map(row -> longs(ids(row))).toList());
        assertEquals(output.get("labels"), rows.stream().map(row -> longs(labels(row))).toList());
        if (output.containsKey("seq_lengths")) {
            assertEquals(
                    output.get("seq_lengths"), rows.stream().map(row -> lengths(row)).toList());
        }
    }

    private static void sft(String name, Map<?, ?> fixture, SampleTokenizer tokenizer) {
        Map<?, ?> config = (Map<?, ?>) fixture.get("config");
        boolean assistant = Boolean.TRUE.equals(config.get("assistant_only_loss"));
        var options =
                new SftOptions(
                        maxLength(config),
                        truncation(config),
                        Optional.ofNullable((Boolean) config.get("completion_only_loss")),
                        assistant,
                        Boolean.TRUE.equals(config.get("packing"))
                                ? Optional.of(strategy((String) config.get("packing_strategy")))
                                : Optional.empty());
        List<Sample> samples =
                samples(
                        name,
                        fixture,
                        EnumSet.of(DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION));
        List<?> tokenized = (List<?>) fixture.get("tokenized");
        for (int i = 0; i < samples.size(); i++) {
            checkTokens(
                    (Map<?, ?>) tokenized.get(i), tokenizer.tokenize(samples.get(i), assistant));
        }
        Prepared<PackedRow> prepared =
                new SftPreparation(tokenizer, options, BadRowPolicy.ERROR).prepare(samples, 2);
        List<?> expected = (List<?>) fixture.get("prepared");
        assertEquals(expected.size(), prepared.rows().size());
        for (int i = 0; i < expected.size(); i++) {
            Map<?, ?> row = (Map<?, ?>) expected.get(i);
            PackedRow got = prepared.rows().get(i);
            assertEquals(row.get("input_ids"), longs(ids(got)));
            assertEquals(row.get("labels"), longs(labels(got)));
            if (row.containsKey("seq_lengths")) {
                assertEquals(row.get("seq_lengths"), lengths(got));
            }
        }
        assertEquals(
                (long) fixture.get("rows_in") - prepared.report().dropped().size(),
                options.packing().isPresent()
                        ? (long) fixture.get("rows_in")
                        : (long) fixture.get("rows_prepared"));
        checkBatch((Map<?, ?>) fixture.get("batch"), SftForest.of(prepared.rows(), false));
    }

    private static void checkTokens(Map<?, ?> expected, SampleTokenizer.Tokens got) {
        assertEquals(expected.get("input_ids"), longs(got.ids()));
        if (expected.containsKey("completion_mask")) {
            int[] mask = new int[got.ids().length];
            Arrays.fill(mask, got.completionStart(), mask.length, 1);
            assertEquals(expected.get("completion_mask"), longs(mask));
        }
        if (expected.containsKey("assistant_masks")) {
            int[] mask = new int[got.ids().length];
            for (int i = 0; i < mask.length; i++) {
                mask[i] = got.assistant()[i] ? 1 : 0;
            }
            assertEquals(expected.get("assistant_masks"), longs(mask));
        }
    }

    /// The collator's tensors less padding, document by document: what predicts the next token.
    private static void checkBatch(Map<?, ?> batch, SftForest forest) {
        var ids = new ArrayList<Integer>();
        var next = new ArrayList<Integer>();
        for (List<int[]> document : documents(batch)) {
            int predicting = document.size() - 1; // what stands behind predicts nothing
            while (predicting > 0 && document.get(predicting)[1] == IGNORED) {
                predicting--;
            }
            for (int i = 0; i < predicting; i++) {
                ids.add(document.get(i)[0]);
                next.add(document.get(i + 1)[1]);
            }
        }
        assertEquals(ids, Arrays.stream(forest.forest().tokens()).boxed().toList());
        int[] got = new int[forest.forest().size()];
        Arrays.fill(got, IGNORED);
        for (int target = 0; target < forest.forest().targetCount(); target++) {
            got[forest.forest().targetSources()[target]] = forest.forest().targetTokens()[target];
        }
        assertEquals(next, Arrays.stream(got).boxed().toList());
        assertEquals(
                forest.forest().targetCount(),
                forest.rows().stream().mapToInt(TargetRange::size).sum());
    }

    /// Tokens with their labels.
    private static List<List<int[]>> documents(Map<?, ?> batch) {
        var documents = new ArrayList<List<int[]>>();
        List<?> rows = (List<?>) batch.get("input_ids");
        for (int row = 0; row < rows.size(); row++) {
            int[] rowIds = ints(rows.get(row));
            int[] rowLabels = ints(((List<?>) batch.get("labels")).get(row));
            int[] positions = numbers(batch, "position_ids", row);
            int[] attended = numbers(batch, "attention_mask", row);
            for (int i = 0; i < rowIds.length; i++) {
                if (attended == null || attended[i] == 1) {
                    if (positions == null ? i == 0 : positions[i] == 0) {
                        documents.add(new ArrayList<>());
                    }
                    documents.getLast().add(new int[] {rowIds[i], rowLabels[i]});
                }
            }
        }
        return documents;
    }

    private static int[] numbers(Map<?, ?> batch, String key, int row) {
        return batch.containsKey(key) ? ints(((List<?>) batch.get(key)).get(row)) : null;
    }

    private static void dpo(String name, Map<?, ?> fixture, SampleTokenizer tokenizer) {
        Map<?, ?> config = (Map<?, ?>) fixture.get("config");
        var preparation =
                new PreferencePreparation(
                        tokenizer,
                        new PreferenceOptions(maxLength(config), truncation(config)),
                        BadRowPolicy.ERROR);
        List<Sample> samples = samples(name, fixture, EnumSet.of(DatasetType.PREFERENCE));
        List<PreferenceExample> whole = samples.stream().map(preparation::whole).toList();
        checkPairs((List<?>) fixture.get("tokenized"), whole);
        checkPairs(
                (List<?>) fixture.get("prepared"),
                whole.stream().filter(pair -> !preparation.promptFills(pair)).toList());

        List<PreferenceExample> pairs = preparation.prepare(samples, 2).rows();
        Map<?, ?> batch = (Map<?, ?>) fixture.get("batch");
        List<?> ids = (List<?>) batch.get("input_ids");
        assertEquals(ids.size(), 2 * pairs.size());
        for (int row = 0; row < ids.size(); row++) {
            PreferenceExample pair = pairs.get(row % pairs.size());
            CompletionTokens side = row < pairs.size() ? pair.chosen() : pair.rejected();
            int[] attended = ints(((List<?>) batch.get("attention_mask")).get(row));
            int[] mask = ints(((List<?>) batch.get("completion_mask")).get(row));
            int length = Arrays.stream(attended).sum();
            assertArrayEquals(Arrays.copyOf(ints(ids.get(row)), length), side.ids());
            assertEquals(
                    Arrays.stream(mask).sum(),
                    side.length() - side.completionStart(),
                    "row " + row);
            for (int i = side.completionStart(); i < side.length(); i++) {
                assertEquals(1, mask[i]);
            }
        }
        checkSharing(pairs);
    }

    private static void reward(String name, Map<?, ?> fixture, SampleTokenizer tokenizer) {
        var preparation =
                new RewardPreparation(
                        tokenizer,
                        maxLength((Map<?, ?>) fixture.get("config")),
                        BadRowPolicy.ERROR);
        List<Sample> samples = samples(name, fixture, EnumSet.of(DatasetType.PREFERENCE));
        checkSides(
                (List<?>) fixture.get("tokenized"),
                samples.stream().map(preparation::whole).toList());
        List<RewardExample> pairs = preparation.prepare(samples, 2).rows();
        assertEquals((long) fixture.get("rows_prepared"), pairs.size());
        checkSides((List<?>) fixture.get("prepared"), pairs);
        Map<?, ?> batch = (Map<?, ?>) fixture.get("batch");
        if (batch.get("margin") instanceof List<?> margins) {
            for (int i = 0; i < pairs.size(); i++) {
                double margin = ((Number) margins.get(i)).doubleValue();
                assertEquals(margin, pairs.get(i).margin(), 1e-6); // recorded in float32
            }
        } else {
            pairs.forEach(pair -> assertEquals(0, pair.margin()));
        }
    }

    /// TRL cuts rows in the collator, so its prepared rows are whole.
    private static void kto(String name, Map<?, ?> fixture, SampleTokenizer tokenizer) {
        Map<?, ?> config = (Map<?, ?>) fixture.get("config");
        List<Sample> samples =
                samples(
                        name,
                        fixture,
                        EnumSet.of(DatasetType.UNPAIRED_PREFERENCE, DatasetType.PREFERENCE));
        boolean estimates = !"apo_zero_unpaired".equals(config.get("loss_type"));
        long block = config.get("per_device_train_batch_size") instanceof Long size ? size : 8;
        List<KtoExample> rows =
                new KtoPreparation(
                                tokenizer,
                                maxLength(config),
                                estimates
                                        ? OptionalInt.of(Math.toIntExact(block))
                                        : OptionalInt.empty(),
                                false,
                                BadRowPolicy.ERROR)
                        .prepare(samples, 2)
                        .rows();
        List<?> expected = (List<?>) fixture.get("prepared");
        assertEquals(expected.size(), rows.size());
        int limit = maxLength(config).orElse(Integer.MAX_VALUE);
        for (int i = 0; i < rows.size(); i++) {
            Map<?, ?> row = (Map<?, ?>) expected.get(i);
            CompletionTokens own = rows.get(i).row().tokens();
            assertEquals(row.get("label"), rows.get(i).row().desirable());
            assertEquals(row.get("prompt_ids"), longs(own.promptIds()));
            checkCut((List<?>) row.get("completion_ids"), own, limit);
            assertEquals(row.containsKey("KL_completion_ids"), estimates);
            if (estimates) {
                CompletionTokens other = rows.get(i).mismatched().orElseThrow();
                assertEquals(row.get("prompt_ids"), longs(other.promptIds()));
                checkCut((List<?>) row.get("KL_completion_ids"), other, limit);
            }
        }
    }

    private static void checkCut(List<?> completion, CompletionTokens tokens, int limit) {
        int room = Math.min(completion.size(), limit - tokens.completionStart());
        assertEquals(completion.subList(0, room), longs(tokens.completionIds()));
    }

    private static void checkSides(List<?> expected, List<RewardExample> pairs) {
        assertEquals(expected.size(), pairs.size());
        for (int i = 0; i < expected.size(); i++) {
            Map<?, ?> row = (Map<?, ?>) expected.get(i);
            assertEquals(row.get("chosen_ids"), longs(pairs.get(i).pair().chosen().ids()));
            assertEquals(row.get("rejected_ids"), longs(pairs.get(i).pair().rejected().ids()));
        }
    }

    /// Shared or not, the targets are the same tokens in the same order.
    private static void checkSharing(List<PreferenceExample> pairs) {
        PreferenceForest shared = PreferenceForest.of(pairs, true);
        PreferenceForest separate = PreferenceForest.of(pairs, false);
        assertArrayEquals(separate.forest().targetTokens(), shared.forest().targetTokens());
        assertEquals(separate.chosen(), shared.chosen());
        assertEquals(separate.rejected(), shared.rejected());
        for (PreferenceExample pair : pairs) {
            int[] chosen = pair.chosen().ids();
            int common = Arrays.mismatch(chosen, pair.rejected().ids());
            int saved = common < 0 ? chosen.length : common;
            int alone = PreferenceForest.of(List.of(pair), true).forest().size();
            assertTrue(alone <= pair.length() - (saved < 8 ? 0 : saved));
        }
        assertTrue(shared.forest().size() <= separate.forest().size());
    }

    private static void checkPairs(List<?> expected, List<PreferenceExample> pairs) {
        assertEquals(expected.size(), pairs.size());
        for (int i = 0; i < expected.size(); i++) {
            Map<?, ?> row = (Map<?, ?>) expected.get(i);
            PreferenceExample pair = pairs.get(i);
            assertEquals(row.get("prompt_ids"), longs(pair.chosen().promptIds()));
            assertEquals(row.get("prompt_ids"), longs(pair.rejected().promptIds()));
            assertEquals(row.get("chosen_ids"), longs(pair.chosen().completionIds()));
            assertEquals(row.get("rejected_ids"), longs(pair.rejected().completionIds()));
        }
    }

    private static List<Sample> samples(String name, Map<?, ?> fixture, Set<DatasetType> accepted) {
        var samples = new ArrayList<Sample>();
        RowInterpreter interpreter = null;
        for (Object value : (List<?>) fixture.get("rows")) {
            @SuppressWarnings("unchecked") // JSON objects have string keys
            var columns = (Map<String, Object>) value;
            var row = new Row(columns, new RowOrigin(name, 0, samples.size()));
            if (interpreter == null) {
                // Asked for by name, ShareGPT's role names stay as TRL leaves them.
                Optional<String> type =
                        columns.containsKey("conversations")
                                ? Optional.of("language_modeling")
                                : Optional.empty();
                var source =
                        new DatasetSource(name, Optional.empty(), type, SplitSpec.TRAIN, Map.of());
                interpreter = new InterpreterChoice(source, Optional.empty(), accepted).of(row);
            }
            samples.add(interpreter.read(row));
        }
        return samples;
    }

    private static OptionalInt maxLength(Map<?, ?> config) {
        return config.get("max_length") instanceof Long length
                ? OptionalInt.of(Math.toIntExact(length))
                : OptionalInt.empty();
    }

    private static TruncationMode truncation(Map<?, ?> config) {
        return "keep_end".equals(config.get("truncation_mode"))
                ? TruncationMode.KEEP_END
                : TruncationMode.KEEP_START;
    }

    private static PackingStrategy strategy(String name) {
        return PackingStrategy.valueOf(name.toUpperCase(Locale.ROOT));
    }

    private static int[] ids(PackedRow row) {
        return row.documents().stream().flatMapToInt(d -> Arrays.stream(d.ids())).toArray();
    }

    private static int[] labels(PackedRow row) {
        int[] labels = ids(row);
        int at = 0;
        for (SftExample document : row.documents()) {
            for (boolean counts : document.completionMask()) {
                labels[at] = counts ? labels[at] : IGNORED;
                at++;
            }
        }
        return labels;
    }

    private static List<Long> lengths(PackedRow row) {
        return row.documents().stream().map(d -> (long) d.length()).toList();
    }

    private static List<Long> longs(int[] values) {
        return Arrays.stream(values).mapToObj(value -> (long) value).toList();
    }

    private static int[] ints(Object list) {
        return ((List<?>) list).stream().mapToInt(v -> Math.toIntExact((long) v)).toArray();
    }
}
